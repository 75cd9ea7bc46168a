/** Defines the GraphQL types and fields of workflows, versions and templates. */
import './edit-workflow.ts'
import './template.ts'
import './validate-workflow.ts'
import './workflow.ts'
export { WorkflowType } from './workflow.ts'
