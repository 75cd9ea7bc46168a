import { readFile } from 'node:fs/promises'
import { EXAMPLE_RECEIVER_PATH } from '../../example-receiver/index.ts'
import { APPROVED_GREETING, BROKEN, EDITED_GREETING, GREETING } from './graphiql-definitions.ts'
import {
  APPROVAL,
  BLOCKS,
  CANCEL,
  CREATE,
  DIFF,
  EXECUTE,
  FROM_TEMPLATE,
  LEADS,
  PAUSE,
  PUBLISH,
  RESULT,
  RESUME,
  RETRY,
  SAVE,
  SCHEDULE,
  SEARCH,
  SECRETS,
  SET_SECRET,
  SIGNAL,
  SIMULATE,
  TEMPLATES,
  TEST_BLOCK,
  VALIDATE,
  WATCH,
  WATCH_ALL,
  WORKFLOWS,
} from './graphiql-documents.ts'

export interface GraphiqlTab {
  readonly query: string
  /** JSON, in characters that can stand in the script of a page. */
  readonly variables?: string
}

const EXAMPLES = new URL('../../../examples/', import.meta.url)

/** The worked examples that GraphiQL opens with; `origin` is where this server is reached. */
export async function graphiqlTabs(origin: string): Promise<readonly GraphiqlTab[]> {
  const [workflow, leads] = await Promise.all([
    readExample('leads/workflow.json'),
    readExample('leads/leads.json'),
  ])
  const receiver = `${origin}${EXAMPLE_RECEIVER_PATH}`
  const mainJob = `{\n"definition": ${workflow.trim()},\n"input": { "receiverUrl": ${JSON.stringify(receiver)}, "leads": ${leads.trim()} }\n}`
  return [
    // From nothing to a workflow that runs.
    { query: CREATE, variables: written({ definition: GREETING }) },
    { query: VALIDATE, variables: written({ definition: BROKEN }) },
    { query: SIMULATE, variables: written({ definition: GREETING, input: { name: 'Ada' } }) },
    { query: PUBLISH, variables: written({ id: WORKFLOW_ID }) },
    { query: EXECUTE, variables: written({ definition: GREETING, input: { name: 'Ada' } }) },
    { query: WATCH, variables: written({ jobId: 'paste the id of a job here', after: 0 }) },
    { query: RESULT, variables: written({ id: EXECUTION_ID }) },
    { query: CANCEL, variables: written({ id: EXECUTION_ID }) },
    { query: RETRY, variables: written({ id: EXECUTION_ID }) },
    { query: SCHEDULE, variables: written({ workflowId: WORKFLOW_ID, input: { name: 'Ada' } }) },
    // Templates, and the main job.
    { query: TEMPLATES },
    {
      query: FROM_TEMPLATE,
      variables: written({ templateId: 'lead-filter', parameters: { receiverUrl: receiver } }),
    },
    { query: LEADS, variables: escaped(mainJob) },
    // Editing.
    {
      query: SAVE,
      variables: written({ id: WORKFLOW_ID, expectedRevision: 1, definition: EDITED_GREETING }),
    },
    { query: DIFF, variables: written({ id: WORKFLOW_ID, from: 1 }) },
    // Steering what runs.
    { query: APPROVAL, variables: written({ definition: APPROVED_GREETING, input: { name: 'Ada' } }) },
    { query: PAUSE, variables: written({ id: EXECUTION_ID }) },
    { query: RESUME, variables: written({ id: EXECUTION_ID }) },
    { query: SIGNAL, variables: written({ id: EXECUTION_ID, payload: { by: 'Grace' } }) },
    // What there is, and what else can be done.
    { query: WATCH_ALL },
    { query: WORKFLOWS },
    { query: BLOCKS },
    {
      query: TEST_BLOCK,
      variables: written({
        type: 'core.filter',
        config: { items: '{{ input.leads }}', condition: 'item.score > 50' },
        input: { leads: [{ score: 80 }, { score: 20 }] },
        mode: 'SIMULATED',
      }),
    },
    {
      query: SEARCH,
      variables: written({ people: { titles: ['head of growth'], maxResults: 10 }, mode: 'DEMO' }),
    },
    { query: SECRETS },
    { query: SET_SECRET, variables: written({ name: 'example', value: 'not a real secret' }) },
  ]
}

const WORKFLOW_ID = 'paste the id of a workflow here'
const EXECUTION_ID = 'paste the id of an execution here'

function readExample(path: string): Promise<string> {
  return readFile(new URL(path, EXAMPLES), 'utf8')
}

function written(variables: object): string {
  return escaped(JSON.stringify(variables, null, 2))
}

/** The same JSON without `<`, as any `</script>` would end the page's script, and without what editors warn of. */
function escaped(json: string): string {
  return json.replaceAll(
    /[<\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
