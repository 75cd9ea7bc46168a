import { z } from 'zod'
import { defineBlock, NO_RETRY, waiting } from '../../engine/block/index.ts'
import { anyJson } from '../../lib/json/index.ts'

/** Runs another workflow as an execution of its own. Every attempt starts a new one; a crash in between does not. */
export const callWorkflowBlock = defineBlock({
  type: 'core.callWorkflow',
  name: 'Call a workflow',
  description:
    'Runs a stored workflow as a child execution, waits for its end and gives its output. A cancel goes to the child.',
  icon: 'corner-down-right',
  effect: 'external',
  isControl: true,
  config: z.strictObject({
    workflowId: z.string().min(1).max(200).describe('The stored workflow’s id.'),
    version: z
      .int()
      .min(1)
      .optional()
      .describe('Which published version; default: the newest, or the draft where nothing is published.'),
    input: anyJson().optional().describe('The child’s input; default: this step’s.'),
    variables: z
      .record(z.string(), anyJson())
      .default({})
      .describe('The child’s variables, over its defaults.'),
  }),
  output: z.json(),
  sample: null,
  retry: NO_RETRY,
  async run({ config, input, idempotencyKey, attempt, children }) {
    const { workflowId, version = null, variables } = config
    const child = await children.start({
      key: `${idempotencyKey}#${attempt}`,
      workflowId,
      version,
      input: config.input === undefined ? input : config.input,
      variables,
    })
    return waiting({ child })
  },
})
