/** Defines the GraphQL mutations that start, retry or simulate executions and test blocks. */
import './create-job.ts'
import './execute-workflow.ts'
import './retry-execution.ts'
import './simulate-workflow.ts'
import './test-block.ts'
