import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Cron } from 'croner'
import { graphql } from '../gql/index.ts'
import type { CreateScheduleInput, UpdateScheduleInput } from '../gql/graphql.ts'
import { countTurns } from '../support/count-turns.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { GREETING } from '../support/definitions.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { until } from '../support/until.ts'

const CREATE_WORKFLOW = graphql(`
  mutation ScheduledWorkflow($input: CreateWorkflowInput!) {
    createWorkflow(input: $input) {
      ... on CreateWorkflowPayload {
        workflow {
          id
        }
      }
    }
  }
`)

const SAVE_DRAFT = graphql(`
  mutation SaveScheduledDraft($input: UpdateWorkflowInput!) {
    updateWorkflow(input: $input) {
      __typename
    }
  }
`)

const CREATE = graphql(`
  mutation CreateSchedule($input: CreateScheduleInput!) {
    createSchedule(input: $input) {
      __typename
      ... on CreateSchedulePayload {
        schedule {
          id
          name
          cron
          timeZone
          at
          overlap
          catchUp
          paused
          nextAt
          nextRuns(first: 2)
          workflow {
            id
          }
        }
        diagnostics {
          code
          severity
        }
      }
      ... on InputInvalid {
        problems {
          pointer
          message
        }
      }
      ... on ScheduleInvalid {
        example
      }
      ... on Error {
        code
        message
        path
      }
    }
  }
`)

const UPDATE = graphql(`
  mutation UpdateSchedule($input: UpdateScheduleInput!) {
    updateSchedule(input: $input) {
      __typename
      ... on UpdateSchedulePayload {
        schedule {
          cron
          at
          version
          paused
          nextAt
          tags
          input
        }
        diagnostics {
          code
          severity
        }
      }
      ... on Error {
        code
        path
      }
    }
  }
`)

const DELETE = graphql(`
  mutation DeleteSchedule($input: DeleteScheduleInput!) {
    deleteSchedule(input: $input) {
      __typename
      ... on DeleteSchedulePayload {
        deletedId
      }
      ... on Error {
        code
      }
    }
  }
`)

const SCHEDULE = graphql(`
  query Schedule($id: ID!) {
    schedule(id: $id) {
      nextAt
      error {
        code
      }
      lastOccurrences(first: 5) {
        at
        outcome
        reason
        execution {
          id
          status
        }
      }
      executions {
        totalCount
        edges {
          node {
            id
            input
            trigger
            scheduledFor
            schedule {
              id
            }
          }
        }
      }
    }
  }
`)

const EXECUTIONS_OF = graphql(`
  query ExecutionsOfSchedule($filter: ExecutionFilter!) {
    executions(filter: $filter) {
      edges {
        node {
          id
        }
      }
    }
  }
`)

const SCHEDULES = graphql(`
  query Schedules($filter: ScheduleFilter, $first: Int, $after: String, $workflowId: ID!) {
    schedules(filter: $filter, first: $first, after: $after) {
      totalCount
      pageInfo {
        endCursor
        hasNextPage
      }
      edges {
        node {
          name
        }
      }
    }
    workflow(id: $workflowId) {
      schedules {
        totalCount
        edges {
          node {
            name
          }
        }
      }
    }
  }
`)

const ADA = { name: 'Ada' }
const NOW = Date.parse('2027-01-01T12:00:00Z')

let server: ApiServer
let clock: ManualClock
beforeAll(async () => {
  clock = new ManualClock(NOW)
  server = await startApiServer({ clock })
})
afterAll(() => server.stop())

async function makeWorkflow(publish = false): Promise<string> {
  const input = { definition: GREETING, publish }
  const { createWorkflow } = await server.client.ask(CREATE_WORKFLOW, { input })
  if (!('workflow' in createWorkflow)) throw new Error('no workflow')
  return createWorkflow.workflow.id
}

async function create(input: Omit<CreateScheduleInput, 'workflowId'>, workflowId?: string) {
  const given = { workflowId: workflowId ?? (await makeWorkflow()), input: ADA, ...input }
  return (await server.client.ask(CREATE, { input: given })).createSchedule
}

/** Makes the draft one that cannot start, and that takes any input. */
async function breakDraft(id: string): Promise<void> {
  const definition = { nodes: [{ id: 'a', type: 'core.nothing' }], edges: [] }
  await server.client.ask(SAVE_DRAFT, { input: { id, definition } })
}

async function created(input: Omit<CreateScheduleInput, 'workflowId'>, workflowId?: string) {
  const result = await create(input, workflowId)
  if (result.__typename !== 'CreateSchedulePayload') throw new Error(JSON.stringify(result))
  return result.schedule
}

async function update(input: UpdateScheduleInput) {
  return (await server.client.ask(UPDATE, { input })).updateSchedule
}

describe('createSchedule', () => {
  test('makes a schedule and tells when it will run', async () => {
    const workflowId = await makeWorkflow()
    const schedule = await created(
      { name: 'Office', cron: '0 9 * * 1-5', timeZone: 'Europe/Berlin' },
      workflowId,
    )
    expect(schedule).toMatchObject({
      name: 'Office',
      cron: '0 9 * * 1-5',
      timeZone: 'Europe/Berlin',
      at: null,
      overlap: 'SKIP',
      catchUp: 'LAST',
      paused: false,
      nextAt: '2027-01-04T08:00:00.000Z',
      nextRuns: ['2027-01-04T08:00:00.000Z', '2027-01-05T08:00:00.000Z'],
      workflow: { id: workflowId },
    })
  })

  test('lets other work have the thread while its next occurrences are searched for, under each alias', async () => {
    await created({ cron: '0 0 29 2 +1', paused: true })
    const ALIASES = 50
    const runs = Array.from({ length: ALIASES }, (_, n) => `a${n}: nextRuns(first: 20)`).join(' ')
    const count = countTurns()
    const turnsOfSearches = new Set<number>()
    const prototype = Cron.prototype as { nextRuns: (...given: unknown[]) => unknown }
    const { nextRuns } = prototype
    prototype.nextRuns = function counted(this: unknown, ...given: unknown[]) {
      turnsOfSearches.add(count.turns)
      return nextRuns.apply(this, given)
    }
    try {
      const query = `{ schedules(first: 1) { edges { node { ${runs} } } } }`
      const { data, errors } = await server.client.post(JSON.stringify({ query }))
      expect(errors).toEqual([])
      expect(JSON.stringify(data)).toContain('"a49":["2044-02-29T00:00:00.000Z"')
    } finally {
      count.stop()
      prototype.nextRuns = nextRuns
    }
    expect(turnsOfSearches.size).toBeGreaterThanOrEqual(ALIASES)
  })

  test('makes one that occurs once', async () => {
    const at = '2027-06-01T00:00:00.000Z'
    expect(await created({ at })).toMatchObject({ cron: null, at, nextAt: at, nextRuns: [at] })
  })

  test.each([
    [{ cron: '61 * * * *' }, 'cron', /Invalid value for minute: 61/, '0 9 * * 1-5'],
    [{ cron: '* * *' }, 'cron', /five fields/, '0 9 * * 1-5'],
    [{ cron: '0 0 30 2 *' }, 'cron', /never occurs/, '0 9 * * 1-5'],
    [
      { cron: '0 9 * * *', timeZone: 'Europe/Berlim' },
      'timeZone',
      /Did you mean Europe\/Berlin/,
      'Europe/Berlin',
    ],
    [{ at: '2020-01-01T00:00:00Z' }, 'at', /in the past/, '2027-01-01T13:00:00.000Z'],
    [{}, 'cron', /either `cron`/, '0 9 * * 1-5'],
  ] as const)('refuses %j with what is wrong and an example', async (input, argument, message, example) => {
    expect(await create(input)).toMatchObject({
      __typename: 'ScheduleInvalid',
      code: 'SCHEDULE_INVALID',
      path: ['input', argument],
      message: expect.stringMatching(message),
      example,
    })
  })

  test.each([
    [{ priority: 101 }, 'InvalidArgument', 'priority'],
    [{ variables: [1] }, 'InvalidArgument', 'variables'],
    [{ catchUpLimit: 0 }, 'InvalidArgument', 'catchUpLimit'],
    [{ name: ' ' }, 'InvalidArgument', 'name'],
    [{ version: 7 }, 'NotFound', 'version'],
    [{ version: 1, draft: true }, 'InvalidArgument', 'version'],
    [{ input: 'a\u0000b' }, 'InputInvalid', 'input'],
    [{ input: { name: 7 } }, 'InputInvalid', 'input'],
    [{ input: null }, 'InputInvalid', 'input'],
    [{ mode: 'TEST' }, 'InvalidArgument', 'mode'],
  ] as const)('refuses %j as %s', async (input, __typename, argument) => {
    expect(await create({ cron: '@daily', ...input })).toMatchObject({
      __typename,
      path: ['input', argument],
    })
  })
})

describe('a schedule that could not start', () => {
  test('is refused when its input does not fit the version, the newest one or the draft', async () => {
    const workflowId = await makeWorkflow(true)
    await breakDraft(workflowId)
    const misfit = { cron: '@daily', input: { name: 7 } }
    for (const choice of [{ version: 1 }, {}]) {
      expect(await create({ ...misfit, ...choice }, workflowId)).toMatchObject({
        __typename: 'InputInvalid',
        path: ['input', 'input'],
        problems: [{ pointer: '/name', message: 'must be string' }],
      })
    }
    const { id } = await created({ cron: '@daily', draft: true, input: 7 }, workflowId)
    expect(await update({ id, version: 1 })).toMatchObject({ __typename: 'InputInvalid' })
    expect(await update({ id, version: 1, input: ADA })).toMatchObject({ schedule: { version: 1 } })
    expect(await update({ id, input: {} })).toMatchObject({ path: ['input', 'input'] })
  })

  test('is made all the same when the draft may yet be mended, and what is wrong is told', async () => {
    const workflowId = await makeWorkflow()
    expect(await create({ cron: '@daily' }, workflowId)).toMatchObject({ diagnostics: [] })
    await breakDraft(workflowId)
    const made = await create({ cron: '@daily' }, workflowId)
    expect(made).toMatchObject({ diagnostics: [{ code: 'BLOCK_UNKNOWN', severity: 'ERROR' }] })
    const id = 'schedule' in made ? made.schedule.id : ''
    expect(await update({ id, tags: ['a'] })).toMatchObject({ diagnostics: [{ code: 'BLOCK_UNKNOWN' }] })
  })

  test('can be paused after its workflow began to ask for another input', async () => {
    const workflowId = await makeWorkflow()
    const { id } = await created({ cron: '@daily' }, workflowId)
    const node = { id: 'a', type: 'core.transform', config: { value: '{{ input }}' } }
    const definition = { nodes: [node], edges: [], inputSchema: { type: 'string' } }
    await server.client.ask(SAVE_DRAFT, { input: { id: workflowId, definition } })
    expect(await update({ id, paused: true })).toMatchObject({ schedule: { paused: true } })
    expect(await update({ id, input: ADA })).toMatchObject({ __typename: 'InputInvalid' })
  })

  test('TEST is refused with the reason: a schedule takes no mocks', async () => {
    expect(await create({ cron: '@daily', mode: 'TEST' })).toMatchObject({
      message: expect.stringContaining('TEST goes with mocks, and a schedule has none'),
    })
    const { id } = await created({ cron: '@daily', mode: 'DEMO' })
    expect(await update({ id, mode: 'TEST' })).toMatchObject({ path: ['input', 'mode'] })
  })
})

describe('updateSchedule', () => {
  test('changes what is given, pauses and resumes', async () => {
    const { id } = await created({ cron: '0 * * * *', input: { name: 'Ada' } })
    expect(await update({ id, tags: ['a', 'a'], paused: true })).toMatchObject({
      schedule: { cron: '0 * * * *', paused: true, nextAt: null, tags: ['a'], input: { name: 'Ada' } },
    })
    expect(await update({ id, paused: false, input: { name: 'Eve' } })).toMatchObject({
      schedule: { paused: false, nextAt: '2027-01-01T13:00:00.000Z', tags: ['a'], input: { name: 'Eve' } },
    })
    expect(await update({ id, at: '2027-02-01T00:00:00.000Z' })).toMatchObject({
      schedule: { cron: null, at: '2027-02-01T00:00:00.000Z', nextAt: '2027-02-01T00:00:00.000Z' },
    })
    expect(await update({ id, cron: 'nonsense' })).toMatchObject({ code: 'SCHEDULE_INVALID' })
    expect(await update({ id, version: 3 })).toMatchObject({ code: 'NOT_FOUND', path: ['input', 'version'] })
  })
})

describe('deleteSchedule', () => {
  test('deletes it once', async () => {
    const { id } = await created({ cron: '@hourly' })
    const remove = async () => (await server.client.ask(DELETE, { input: { id } })).deleteSchedule
    expect(await remove()).toEqual({ __typename: 'DeleteSchedulePayload', deletedId: id })
    expect(await remove()).toMatchObject({ code: 'NOT_FOUND' })
    expect((await server.client.ask(SCHEDULE, { id })).schedule).toBeNull()
  })
})

test('schedules are listed by workflow and by whether they are paused, page by page', async () => {
  const workflowId = await makeWorkflow()
  for (const name of ['one', 'two', 'three'])
    await created({ name, cron: '@yearly', paused: name === 'two' }, workflowId)
  const list = (filter: object, after: string | null = null) =>
    server.client.ask(SCHEDULES, { filter: { workflowId, ...filter }, first: 2, after, workflowId })
  const names = ({ edges }: { edges: readonly { node: { name: string } }[] }) =>
    edges.map(({ node }) => node.name)
  const { schedules: page, workflow } = await list({})
  expect([names(page), page.totalCount, page.pageInfo.hasNextPage]).toEqual([['three', 'two'], 3, true])
  expect(names((await list({}, page.pageInfo.endCursor)).schedules)).toEqual(['one'])
  expect(names((await list({ paused: true })).schedules)).toEqual(['two'])
  expect(names((await list({ paused: false })).schedules)).toEqual(['three', 'one'])
  expect(workflow && names(workflow.schedules)).toEqual(['three', 'two', 'one'])
})

test('an occurrence starts a run, and both tell of each other', async () => {
  const at = new Date(clock.now() + 10_000).toISOString()
  const { id } = await created({ at, input: { name: 'Ada' } })
  await clock.advance(10_000)
  const schedule = await until('the occurrence has a run', async () => {
    await clock.advance(500)
    const { schedule } = await server.client.ask(SCHEDULE, { id })
    return schedule?.lastOccurrences[0]?.execution?.status === 'COMPLETED' && schedule
  })
  expect(schedule.lastOccurrences).toMatchObject([{ at, outcome: 'STARTED', reason: null }])
  expect(schedule.nextAt).toBeNull()
  expect(schedule.error).toBeNull()
  expect(schedule.executions).toMatchObject({
    totalCount: 1,
    edges: [{ node: { input: { name: 'Ada' }, trigger: 'SCHEDULE', scheduledFor: at, schedule: { id } } }],
  })
  const listed = await server.client.ask(EXECUTIONS_OF, { filter: { scheduleId: id } })
  expect(listed.executions.edges).toEqual(
    schedule.executions.edges.map(({ node }) => ({ node: { id: node.id } })),
  )
  const unknown = await server.client.ask(EXECUTIONS_OF, { filter: { scheduleId: 'U2NoZWR1bGU6bm9uZQ==' } })
  expect(unknown.executions.edges).toEqual([])
})
