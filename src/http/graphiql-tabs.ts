import { readFile } from 'node:fs/promises'
import { EXAMPLE_RECEIVER_PATH } from './example-receiver.ts'

export interface GraphiqlTab {
  readonly query: string
  /** JSON, in characters that can stand in the script of a page. */
  readonly variables?: string
}

const EXAMPLES = new URL('../../examples/', import.meta.url)

/** The worked examples that GraphiQL opens with; `origin` is where this server is reached. */
export async function graphiqlTabs(origin: string): Promise<readonly GraphiqlTab[]> {
  const [workflow, leads] = await Promise.all([
    readExample('leads/workflow.json'),
    readExample('leads/leads.json'),
  ])
  const receiverUrl = JSON.stringify(`${origin}${EXAMPLE_RECEIVER_PATH}`)
  const mainJob = `{\n"definition": ${workflow.trim()},\n"input": { "receiverUrl": ${receiverUrl}, "leads": ${leads.trim()} }\n}`
  return [
    { query: EXECUTE, variables: written({ definition: GREETING, input: { name: 'Ada' } }) },
    { query: WATCH, variables: written({ jobId: 'paste the id of a job here', after: 0 }) },
    { query: RESULT, variables: written({ id: 'paste the id of an execution here' }) },
    { query: LEADS, variables: escaped(mainJob) },
    { query: VALIDATE, variables: written({ definition: BROKEN }) },
    { query: CREATE, variables: written({ definition: GREETING }) },
    { query: WORKFLOWS },
    { query: BLOCKS },
  ]
}

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

// The editor shows about 55 characters of a line.

const EXECUTE = `# Runs a workflow given in place: press the button.
# Its definition and input stand in the variables below.
# Copy the job's id into the next tab to watch it.
mutation Execute($definition: JSON!, $input: JSON) {
  executeWorkflow(
    input: { definition: $definition, input: $input }
  ) {
    __typename
    ... on ExecuteWorkflowPayload {
      job { id status progress }
      execution { id }
    }
    ... on ValidationFailed {
      diagnostics { code pointer message suggestion }
    }
    ... on Error { code message path }
  }
}
`

const WATCH = `# Watches a job: replays its timeline, then follows it
# live to the end. To resume, set "after" to the last
# cursor.
subscription Watch($jobId: ID!, $after: Int) {
  jobEvents(jobId: $jobId, after: $after) {
    cursor
    events {
      __typename
      seq
      at
      progress
      ... on StepEvent { path attempt }
      ... on JobFailedEvent {
        error { code message path }
      }
    }
    job { status progress result }
  }
}
`

const RESULT = `# What a run was given and gave, step by step.
query Result($id: ID!) {
  execution(id: $id) {
    status
    input
    output
    error { code message path }
    steps(first: 20) {
      totalCount
      edges {
        node {
          path
          type
          status
          input
          config
          output
          attempts { number status error { message } }
        }
      }
    }
  }
}
`

const LEADS = `# The main job on real input: 1,000 messy leads are
# cleaned, scored, and posted in batches of 50.
# The receiver is this server's own; what it got is told
# at /examples/receiver.
mutation Leads($definition: JSON!, $input: JSON!) {
  executeWorkflow(
    input: { definition: $definition, input: $input }
  ) {
    __typename
    ... on ExecuteWorkflowPayload {
      job { id }
      execution { id }
    }
    ... on ValidationFailed {
      diagnostics { code pointer message }
    }
    ... on Error { code message path }
  }
}
`

const VALIDATE = `# Tells everything that is wrong with a definition,
# where it is, and how to mend it.
mutation Validate($definition: JSON!) {
  validateWorkflow(input: { definition: $definition }) {
    ... on ValidateWorkflowPayload {
      valid
      diagnostics {
        severity
        code
        pointer
        range { start end }
        message
        suggestion
      }
    }
    ... on Error { code message path }
  }
}
`

const CREATE = `# Stores a workflow. Run it by
# executeWorkflow(input: { workflowId: "its id" }).
mutation Create($definition: JSON!) {
  createWorkflow(
    input: { definition: $definition, tags: ["example"] }
  ) {
    __typename
    ... on CreateWorkflowPayload {
      workflow {
        id
        name
        revision
        graph {
          nodes { id type }
          edges { source target }
        }
      }
      diagnostics { severity message }
    }
    ... on Error { code message path }
  }
}
`

const WORKFLOWS = `# The stored workflows, each with its last runs.
query Workflows {
  workflows(first: 10) {
    totalCount
    pageInfo { hasNextPage endCursor }
    edges {
      node {
        id
        name
        updatedAt
        executions(first: 3) {
          edges { node { id status progress } }
        }
      }
    }
  }
}
`

const BLOCKS = `# What nodes can do.
query Blocks {
  blocks {
    type
    name
    description
    effect
    configSchema
    sample
  }
}
`
