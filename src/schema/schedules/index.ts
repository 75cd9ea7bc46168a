/** Defines the GraphQL types and fields of schedules. */
import './edit-schedule.ts'
import './schedule.ts'
