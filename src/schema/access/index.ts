/** Defines the GraphQL types and fields of viewers, API keys and secrets. */
import './api-key.ts'
import './secret.ts'
import './viewer.ts'
