// The operations that GraphiQL opens with. The editor shows about 55 characters of a line.

export const EXECUTE = `# Runs a workflow given in place: press the button.
# A stored one runs by the same document: put its id as
# "workflowId" in the place of "definition" below.
# Copy the job's id into the next tab to watch it, the
# execution's into those behind.
mutation Execute(
  $workflowId: ID
  $definition: JSON
  $input: JSON
) {
  executeWorkflow(
    input: {
      workflowId: $workflowId
      definition: $definition
      input: $input
    }
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

export const WATCH = `# Watches a job: replays its timeline, then follows it
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

export const RESULT = `# What a run was given and gave, step by step.
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

export const LEADS = `# The main job on real input: 1,000 messy leads are
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

export const VALIDATE = `# Tells everything that is wrong with a definition,
# where it is, and how to mend it. A stored workflow by
# "workflowId" in the place of "definition" below.
mutation Validate($workflowId: ID, $definition: JSON) {
  validateWorkflow(
    input: {
      workflowId: $workflowId
      definition: $definition
    }
  ) {
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

export const CREATE = `# Stores a workflow: its definition stands in the
# variables below. Press the button, and copy the
# workflow's id: other tabs ask for it.
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

export const WORKFLOWS = `# The stored workflows, each with its last runs.
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

export const BLOCKS = `# What nodes can do, and what they need to do it.
query Blocks {
  blocks {
    type
    name
    description
    icon
    deprecated
    effect
    repeat
    secrets
    retry { maxAttempts initialDelayMs }
    timeoutMs
    configSchema
    outputSchema
    sample
  }
}
`

export const PUBLISH = `# Makes the draft of a stored workflow its next version,
# which runs from then on; refuses what is not sound.
mutation Publish($id: ID!) {
  publishWorkflow(input: { id: $id, note: "First" }) {
    __typename
    ... on PublishWorkflowPayload {
      version { id number note createdAt }
      unchanged
    }
    ... on ValidationFailed {
      diagnostics { code pointer message suggestion }
    }
    ... on Error { code message path }
  }
}
`

export const WATCH_ALL = `# Watches all jobs, for lists: each in its newest state
# whenever it changes. Let it run, and start some.
subscription WatchAll {
  jobsChanged {
    id
    type
    status
    progress
    currentStep
    error { code message }
  }
}
`

export const APPROVAL = `# Runs a workflow that stops to wait for a signal: what
# follows here is done to it. "waitsFor" tells why an
# execution waits. Copy the execution's id.
mutation Approval($definition: JSON!, $input: JSON) {
  executeWorkflow(
    input: { definition: $definition, input: $input }
  ) {
    __typename
    ... on ExecuteWorkflowPayload {
      job { id }
      execution {
        id
        status
        waitsFor { path kind signal until }
      }
    }
    ... on Error { code message path }
  }
}
`

export const PAUSE = `# Pauses an execution: what runs is finished, and
# nothing starts.
mutation Pause($id: ID!) {
  pauseExecution(input: { id: $id }) {
    __typename
    ... on PauseExecutionPayload {
      execution { id status }
    }
    ... on Error { code message path }
  }
}
`

export const RESUME = `# Lets a paused execution go on.
mutation Resume($id: ID!) {
  resumeExecution(input: { id: $id }) {
    __typename
    ... on ResumeExecutionPayload {
      execution {
        id
        status
        waitsFor { path kind signal }
      }
    }
    ... on Error { code message path }
  }
}
`

export const SIGNAL = `# Sends the signal that the approval waits for; its
# payload becomes the output of the step.
mutation Signal($id: ID!, $payload: JSON) {
  signalExecution(
    input: {
      id: $id
      name: "approval"
      payload: $payload
    }
  ) {
    __typename
    ... on SignalExecutionPayload {
      execution { id status }
      deduplicated
    }
    ... on InputInvalid { problems { pointer message } }
    ... on Error { code message path }
  }
}
`

export const CANCEL = `# Cancels an execution: what runs is aborted, what waits
# is given up. It always ends.
mutation Cancel($id: ID!) {
  cancelExecution(input: { id: $id }) {
    __typename
    ... on CancelExecutionPayload {
      execution { id status }
    }
    ... on Error { code message path }
  }
}
`

export const RETRY = `# Runs an execution that has ended once more. FAILED:
# only what did not complete; START: everything; or the
# path of the step to begin at.
mutation Retry($id: ID!) {
  retryExecution(input: { id: $id, from: START }) {
    __typename
    ... on RetryExecutionPayload {
      job { id status }
      execution { id retryOf { id } }
    }
    ... on Error { code message path }
  }
}
`

export const TEMPLATES = `# What workflows can be made from. The parameters are a
# JSON Schema, of which a form may be made.
query Templates {
  templates {
    id
    name
    description
    category
    parameters
  }
}
`

export const FROM_TEMPLATE = `# Makes a workflow from a template and publishes it.
mutation FromTemplate(
  $templateId: ID!
  $parameters: JSON
) {
  createWorkflowFromTemplate(
    input: {
      templateId: $templateId
      parameters: $parameters
      publish: true
    }
  ) {
    __typename
    ... on CreateWorkflowFromTemplatePayload {
      workflow { id name publishedVersion { number } }
    }
    ... on InputInvalid { problems { pointer message } }
    ... on Error { code message path }
  }
}
`

export const SIMULATE = `# Tells what a run would do, without doing it: on a
# virtual clock, without network and secrets. Mocks say
# what calls come to: { "node": { "output": ... } }.
# For the draft of a stored workflow, put its id as
# "workflowId" in the place of "definition" below.
mutation Simulate(
  $workflowId: ID
  $definition: JSON
  $input: JSON
  $mocks: JSON
) {
  simulateWorkflow(
    input: {
      workflowId: $workflowId
      definition: $definition
      input: $input
      mocks: $mocks
    }
  ) {
    ... on SimulateWorkflowPayload {
      status
      output
      estimatedDurationMs
      steps { path status output }
      edges { source target taken }
      callsOut { nodeId count }
    }
    ... on ValidationFailed {
      diagnostics { code pointer message suggestion }
    }
    ... on Error { code message path }
  }
}
`

export const SCHEDULE = `# Starts a workflow every weekday at nine in Berlin.
# "nextRuns" foretells when. Pause it by
# updateSchedule(input: { id: "its id", paused: true }).
mutation Schedule($workflowId: ID!, $input: JSON) {
  createSchedule(
    input: {
      workflowId: $workflowId
      input: $input
      cron: "0 9 * * 1-5"
      timeZone: "Europe/Berlin"
      overlap: SKIP
      catchUp: LAST
    }
  ) {
    __typename
    ... on CreateSchedulePayload {
      schedule { id name nextRuns(first: 3) }
      diagnostics { code message }
    }
    ... on Error { code message path }
  }
}
`

export const SAVE = `# Saves the whole draft of a stored workflow, as an
# editor does all the time. If somebody else saved since
# "expectedRevision", it shows what stands there now.
mutation Save(
  $id: ID!
  $expectedRevision: Int
  $definition: JSON!
) {
  updateWorkflow(
    input: {
      id: $id
      expectedRevision: $expectedRevision
      definition: $definition
    }
  ) {
    __typename
    ... on UpdateWorkflowPayload {
      workflow { id revision hasUnpublishedChanges }
      diagnostics { severity code pointer message }
    }
    ... on RevisionConflict {
      workflow { id revision definition }
    }
    ... on Error { code message path }
  }
}
`

export const DIFF = `# What has changed in the draft since a version, and
# whether that breaks anybody who uses it.
query Diff($id: ID!, $from: Int) {
  workflow(id: $id) {
    name
    revision
    publishedVersion { number }
    diff(from: $from) {
      isEmpty
      breakingReasons { code message pointer }
      nodes {
        path
        kind
        changes { kind pointer before after }
      }
      edges { kind source sourceHandle target }
    }
  }
}
`

export const TEST_BLOCK = `# Tries one block alone: nothing is recorded, and nobody
# is called unless "mode" is REAL.
mutation TestBlock(
  $type: String!
  $config: JSON
  $input: JSON
  $mode: BlockTestMode
) {
  testBlock(
    input: {
      type: $type
      config: $config
      input: $input
      mode: $mode
    }
  ) {
    ... on TestBlockPayload {
      status
      config
      output
      error { code message }
      logs { level message }
      durationMs
    }
    ... on ValidationFailed {
      diagnostics { code pointer message suggestion }
    }
    ... on Error { code message path }
  }
}
`

export const SEARCH = `# Creates a job without a workflow: a search for people.
# DEMO needs no key and gives a sample; PRODUCTION needs
# the secret "apollo". Copy the job's id to watch it.
mutation Search(
  $people: PeopleSearchInput
  $mode: ExecutionMode
) {
  createJob(
    input: { search: { people: $people }, mode: $mode }
  ) {
    __typename
    ... on CreateJobPayload {
      job { id type status }
    }
    ... on InputInvalid { problems { pointer message } }
    ... on Error { code message path }
  }
}
`

export const SECRETS = `# The secrets that your workflows may use, by name: no
# value is ever shown.
query Secrets {
  secrets { name source updatedAt }
}
`

export const SET_SECRET = `# Stores a secret, encrypted. Configs name it as
# {{ secrets.example }}; nobody can read it back.
mutation SetSecret($name: String!, $value: String!) {
  setSecret(input: { name: $name, value: $value }) {
    __typename
    ... on SetSecretPayload {
      secret { name source updatedAt }
    }
    ... on Error { code message path }
  }
}
`
