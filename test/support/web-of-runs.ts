import type { StepRecord, StepValuesRecord } from '../../src/engine/record/journal.ts'
import type { JobId } from '../../src/lib/ids.ts'
import { graphql } from '../gql/index.ts'
import type { ApiServer } from './api-server.ts'
import { SIMPLE } from './definitions.ts'
import { recordEntries } from './record-entries.ts'
import { start } from './runs.ts'
import { completedStep } from './step-records.ts'

const CREATE = graphql(`
  mutation CreateForWeb($name: String!, $definition: JSON!) {
    createWorkflow(input: { name: $name, definition: $definition, publish: true }) {
      __typename
      ... on CreateWorkflowPayload {
        workflow {
          id
        }
      }
    }
  }
`)

const PUBLISH = graphql(`
  mutation PublishForWeb($id: ID!, $definition: JSON!) {
    updateWorkflow(input: { id: $id, definition: $definition }) {
      __typename
    }
    publishWorkflow(input: { id: $id }) {
      __typename
    }
  }
`)

const SCHEDULE = graphql(`
  mutation ScheduleForWeb($workflowId: ID!) {
    createSchedule(input: { workflowId: $workflowId, name: "Daily", cron: "0 9 * * *" }) {
      __typename
    }
  }
`)

/**
 * Workflows that have all that can hang on them: two versions, a schedule, and a run of the newest version that the
 * schedule started, with a parent, a child, an original, a retry, a step that waits, a step that was reused, events, and a
 * result with contacts. Runs are made by statements, as no worker would leave them: each is the child and the retry of
 * the next one, and the last of the first.
 */
export async function makeWeb(server: ApiServer, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const name = `Workflow ${index}`
    const { createWorkflow } = await server.client.ask(CREATE, { name, definition: SIMPLE })
    if (createWorkflow.__typename !== 'CreateWorkflowPayload') throw new Error(createWorkflow.__typename)
    const { id } = createWorkflow.workflow
    const definition = { ...SIMPLE, variables: { second: index } }
    const { publishWorkflow } = await server.client.ask(PUBLISH, { id, definition })
    if (publishWorkflow.__typename !== 'PublishWorkflowPayload') throw new Error(publishWorkflow.__typename)
    const { createSchedule } = await server.client.ask(SCHEDULE, { workflowId: id })
    if (createSchedule.__typename !== 'CreateSchedulePayload') throw new Error(createSchedule.__typename)
    await start(server, { workflowId: id, tags: ['web'] })
  }
  const jobs = await server.query<{ id: JobId; next: string }>(NEXT)
  for (const { id, next } of jobs)
    await recordEntries((sql, values) => server.query(sql, values), id, [
      { steps: [WAITING, { ...REUSED, reusedFrom: next }], values: ['one', 'two'].map(valuesOf) },
      { job: { end: { status: 'COMPLETED', at: Date.now(), output: OUTPUT } } },
    ])
  for (const statement of WEB) await server.query(statement)
}

const INSTANT = '2026-11-30T00:00:00.000Z'

const WAITING: StepRecord = {
  ...completedStep('one'),
  status: 'WAITING',
  handles: [],
  wait: { kind: 'timer' },
  finishedAt: null,
}

const REUSED: StepRecord = {
  ...completedStep('two'),
  order: [1],
  attempts: [{ number: 1, status: 'COMPLETED', startedAt: INSTANT, finishedAt: INSTANT }],
  handles: ['main'],
  inputFrom: ['one'],
}

const OUTPUT = '{"contacts": [{"name": "Ada"}, {"name": "Grace"}]}'

function valuesOf(path: string): StepValuesRecord {
  return { path, config: '{}', output: '"an output"' }
}

const NEXT = `SELECT id, COALESCE(lead(id) OVER (ORDER BY id), first_value(id) OVER (ORDER BY id)) AS next FROM jobs`

const WEB = [
  `UPDATE jobs SET status = 'FAILED', progress = 50, parent_id = web.next, parent_path = 'a',
     depth = 1, error = '{"code": "TEST", "message": "is a test"}'
   FROM (${NEXT}) AS web WHERE web.id = jobs.id`,
  `UPDATE executions e SET retry_of = web.next, retry_from = 'FAILED', schedule_id = s.id, scheduled_for = e.created_at
   FROM (${NEXT}) AS web, schedules s WHERE web.id = e.id AND s.workflow_id = e.workflow_id`,
  `INSERT INTO schedule_occurrences (owner_id, schedule_id, at, outcome, recorded_at)
   SELECT owner_id, schedule_id, scheduled_for, 'STARTED', now() FROM executions`,
]

/** Opens all runs of a web while `work` is done: an ended run waits for nothing, and an open one has no result. */
export async function whileOpen(server: ApiServer, work: () => Promise<void>): Promise<void> {
  await server.query(`UPDATE jobs SET status = 'WAITING', finished_at = NULL`)
  try {
    await work()
  } finally {
    await server.query(`UPDATE jobs SET status = 'FAILED', finished_at = now()`)
  }
}
