import { readFile } from 'node:fs/promises'
import { EXAMPLE_RECEIVER_PATH } from '../../example-receiver/index.ts'
import { readDocuments } from './documents.ts'
import { APPROVED_GREETING, BROKEN, EDITED_GREETING, GREETING } from './graphiql-definitions.ts'

export interface GraphiqlTab {
  readonly query: string
  /** JSON, in characters that can stand in the script of a page. */
  readonly variables?: string
}

const EXAMPLES = new URL('../../../examples/', import.meta.url)

/** The worked examples that GraphiQL opens with; `origin` is where this server is reached. */
export async function graphiqlTabs(origin: string): Promise<readonly GraphiqlTab[]> {
  const [documents, workflow, leads] = await Promise.all([
    readDocuments(),
    readExample('leads/workflow.json'),
    readExample('leads/leads.json'),
  ])
  const receiver = `${origin}${EXAMPLE_RECEIVER_PATH}`
  const mainJob = `{\n"definition": ${workflow.trim()},\n"input": { "receiverUrl": ${JSON.stringify(receiver)}, "leads": ${leads.trim()} }\n}`
  return [
    // From nothing to a workflow that runs.
    { query: documents['workflows/create'], variables: written({ definition: GREETING }) },
    { query: documents['workflows/validate'], variables: written({ definition: BROKEN }) },
    {
      query: documents['tools/simulate'],
      variables: written({ definition: GREETING, input: { name: 'Ada' } }),
    },
    { query: documents['workflows/publish'], variables: written({ id: WORKFLOW_ID }) },
    {
      query: documents['runs/execute'],
      variables: written({ definition: GREETING, input: { name: 'Ada' } }),
    },
    { query: documents['runs/watch'], variables: written({ jobId: 'paste the id of a job here', after: 0 }) },
    { query: documents['runs/result'], variables: written({ id: EXECUTION_ID }) },
    { query: documents['runs/cancel'], variables: written({ id: EXECUTION_ID }) },
    { query: documents['runs/retry'], variables: written({ id: EXECUTION_ID }) },
    {
      query: documents['tools/schedule'],
      variables: written({ workflowId: WORKFLOW_ID, input: { name: 'Ada' } }),
    },
    // Templates, and the main job.
    { query: documents['workflows/templates'] },
    {
      query: documents['workflows/from-template'],
      variables: written({ templateId: 'lead-filter', parameters: { receiverUrl: receiver } }),
    },
    { query: documents['runs/leads'], variables: escaped(mainJob) },
    // Editing.
    {
      query: documents['workflows/save'],
      variables: written({ id: WORKFLOW_ID, expectedRevision: 1, definition: EDITED_GREETING }),
    },
    { query: documents['workflows/diff'], variables: written({ id: WORKFLOW_ID, from: 1 }) },
    // Steering what runs.
    {
      query: documents['runs/approval'],
      variables: written({ definition: APPROVED_GREETING, input: { name: 'Ada' } }),
    },
    { query: documents['runs/pause'], variables: written({ id: EXECUTION_ID }) },
    { query: documents['runs/resume'], variables: written({ id: EXECUTION_ID }) },
    { query: documents['runs/signal'], variables: written({ id: EXECUTION_ID, payload: { by: 'Grace' } }) },
    // What there is, and what else can be done.
    { query: documents['runs/watch-all'] },
    { query: documents['workflows/workflows'] },
    { query: documents['tools/blocks'] },
    {
      query: documents['tools/test-block'],
      variables: written({
        type: 'core.filter',
        config: { items: '{{ input.leads }}', condition: 'item.score > 50' },
        input: { leads: [{ score: 80 }, { score: 20 }] },
        mode: 'SIMULATED',
      }),
    },
    {
      query: documents['runs/search'],
      variables: written({ people: { titles: ['head of growth'], maxResults: 10 }, mode: 'DEMO' }),
    },
    { query: documents['tools/secrets'] },
    {
      query: documents['tools/set-secret'],
      variables: written({ name: 'example', value: 'not a real secret' }),
    },
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
