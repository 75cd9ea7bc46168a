import { readFile } from 'node:fs/promises'
import { EXAMPLE_RECEIVER_PATH } from './example-receiver.ts'

export interface GraphiqlTab {
  readonly query: string
  readonly variables?: string
}

const EXAMPLES = new URL('../../examples/', import.meta.url)

/** The worked examples that GraphiQL opens with; `origin` is where this server is reached. */
export async function graphiqlTabs(origin: string): Promise<readonly GraphiqlTab[]> {
  const [workflow, leads] = await Promise.all([
    readExample('leads/workflow.json'),
    readExample('leads/leads.json'),
  ])
  const receiverUrl = `${origin}${EXAMPLE_RECEIVER_PATH}`
  const greeting = { definition: GREETING, input: { name: 'Ada' } }
  return [
    { query: EXECUTE, variables: JSON.stringify(greeting, null, 2) },
    { query: WATCH, variables: JSON.stringify({ jobId: 'paste the id of a job here', after: 0 }, null, 2) },
    { query: VALIDATE, variables: JSON.stringify({ definition: BROKEN }, null, 2) },
    { query: CREATE, variables: JSON.stringify({ definition: GREETING }, null, 2) },
    {
      query: LEADS,
      variables: `{\n"definition": ${workflow.trim()},\n"input": { "receiverUrl": ${JSON.stringify(receiverUrl)}, "leads": ${leads.trim()} }\n}`,
    },
    { query: BLOCKS },
  ]
}

function readExample(path: string): Promise<string> {
  return readFile(new URL(path, EXAMPLES), 'utf8')
}

const GREETING = {
  name: 'Greeting',
  nodes: [
    { id: 'greet', type: 'core.transform', config: { value: { text: 'Hello {{ input.name }}' } } },
    { id: 'pause', type: 'core.delay', config: { duration: '3s' } },
    { id: 'shout', type: 'core.transform', config: { value: '{{ upper(nodes.greet.output.text) }}!' } },
  ],
  edges: [
    { source: 'greet', target: 'pause' },
    { source: 'pause', target: 'shout' },
  ],
}

const BROKEN = {
  nodes: [
    { id: 'keep', type: 'core.filtre', config: { items: '{{ input.leads }}', condition: 'item.score > ' } },
    { id: 'sum', type: 'core.transform', config: { value: '{{ size(nodes.kep.output.items) }}' } },
  ],
  edges: [{ source: 'keep', target: 'sum' }],
}

const EXECUTE = `# Runs a workflow given in place. Press the button, then copy the job's id into the next tab.
# The definition and its input stand in the variables below.
mutation Execute($definition: JSON!, $input: JSON) {
  executeWorkflow(input: { definition: $definition, input: $input }) {
    __typename
    ... on ExecuteWorkflowPayload {
      job { id status progress }
      execution { id }
    }
    ... on ValidationFailed { message diagnostics { code pointer message suggestion } }
    ... on Error { code message path }
  }
}
`

const WATCH = `# Watches a job: replays its timeline and follows it to the end. Set "after" to the last cursor to resume.
subscription Watch($jobId: ID!, $after: Int) {
  jobEvents(jobId: $jobId, after: $after) {
    cursor
    events {
      __typename
      seq
      at
      progress
      ... on StepEvent { path attempt }
      ... on JobFailedEvent { error { code message path } }
    }
    job { status progress result }
  }
}
`

const VALIDATE = `# Tells everything that is wrong with a definition, where, and how to mend it.
mutation Validate($definition: JSON!) {
  validateWorkflow(input: { definition: $definition }) {
    ... on ValidateWorkflowPayload {
      valid
      diagnostics { severity code pointer range { start end } message suggestion }
    }
    ... on Error { code message path }
  }
}
`

const CREATE = `# Stores a workflow. Run it later by \`executeWorkflow(input: { workflowId: … })\`.
mutation Create($definition: JSON!) {
  createWorkflow(input: { definition: $definition, tags: ["example"] }) {
    __typename
    ... on CreateWorkflowPayload {
      workflow { id name revision graph { nodes { id type } edges { source target } } }
      diagnostics { severity message }
    }
    ... on Error { code message path }
  }
}

query Mine {
  workflows(first: 10) {
    totalCount
    edges {
      node {
        id
        name
        executions(first: 3) { edges { node { id status } } }
      }
    }
  }
}
`

const LEADS = `# The main job on real input: 1,000 messy leads are filtered, scored and posted in batches of 50.
# The receiver is this server's own; see what it got at /examples/receiver.
mutation Leads($definition: JSON!, $input: JSON!) {
  executeWorkflow(input: { definition: $definition, input: $input }) {
    __typename
    ... on ExecuteWorkflowPayload { job { id } execution { id } }
    ... on ValidationFailed { diagnostics { code pointer message } }
    ... on Error { code message path }
  }
}
`

const BLOCKS = `# What nodes can do.
query Blocks {
  blocks { type name description effect configSchema sample }
}
`
