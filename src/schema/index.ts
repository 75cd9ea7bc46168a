import './api-key.ts'
import './block.ts'
import './definition-json-schema.ts'
import './edit-workflow.ts'
import './errors.ts'
import './execution-commands.ts'
import './execution.ts'
import './job-event.ts'
import './retry-execution.ts'
import './run-stats.ts'
import './secret.ts'
import './simulate-workflow.ts'
import './subscriptions.ts'
import './template.ts'
import './test-block.ts'
import './validate-workflow.ts'
import './viewer.ts'
import './workflow.ts'
import { builder } from './builder.ts'

export { createContext, type Context, type Services } from './context.ts'

/** The whole GraphQL schema. */
export const schema = builder.toSchema()
