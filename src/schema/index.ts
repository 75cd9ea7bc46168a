import './block.ts'
import './errors.ts'
import './execution-commands.ts'
import './execution.ts'
import './job-event.ts'
import './simulate-workflow.ts'
import './subscriptions.ts'
import './test-block.ts'
import './validate-workflow.ts'
import './workflow.ts'
import { builder } from './builder.ts'

export { createContext, type Context, type Services } from './context.ts'

/** The whole GraphQL schema. */
export const schema = builder.toSchema()
