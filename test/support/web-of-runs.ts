import { graphql } from '../gql/index.ts'
import type { ApiServer } from './api-server.ts'
import { SIMPLE } from './definitions.ts'
import { forgetLogs } from './forget-logs.ts'
import { start } from './runs.ts'

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
  for (const statement of WEB) await server.query(statement)
  await forgetLogs(server)
}

const NEXT = `SELECT id, COALESCE(lead(id) OVER (ORDER BY id), first_value(id) OVER (ORDER BY id)) AS next FROM jobs`

const WEB = [
  `UPDATE jobs SET status = 'FAILED', finished_at = now(), wake_at = NULL, parent_id = web.next, parent_path = 'a',
     depth = 1, error = '{"code": "TEST", "message": "is a test"}'
   FROM (${NEXT}) AS web WHERE web.id = jobs.id`,
  `UPDATE executions e SET retry_of = web.next, retry_from = 'FAILED', schedule_id = s.id, scheduled_for = e.created_at
   FROM (${NEXT}) AS web, schedules s WHERE web.id = e.id AND s.workflow_id = e.workflow_id`,
  `INSERT INTO schedule_occurrences (owner_id, schedule_id, at, outcome, recorded_at)
   SELECT owner_id, schedule_id, scheduled_for, 'STARTED', now() FROM executions`,
  `UPDATE execution_values SET output = '{"contacts": [{"name": "Ada"}, {"name": "Grace"}]}'`,
  `INSERT INTO steps (owner_id, execution_id, path, position, node_id, status, wait)
   SELECT owner_id, id, 'one', '0', 'one', 'WAITING', '{"kind": "timer"}' FROM executions`,
  `INSERT INTO steps (owner_id, execution_id, path, position, node_id, status, attempts, handles, input_from, reused_from, finished_at)
   SELECT owner_id, id, 'two', '1', 'two', 'COMPLETED',
     '[{"number": 1, "status": "COMPLETED", "startedAt": 1, "finishedAt": 2}]', '["main"]', '["one"]', retry_of, now()
   FROM executions`,
  `INSERT INTO step_values (owner_id, execution_id, path, config, output)
   SELECT owner_id, execution_id, path, '{}', '"an output"' FROM steps`,
]
