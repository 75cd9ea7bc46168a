import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Lume } from '../../src/app.ts'
import { createSourceSizeStore } from '../../src/db/stores/source-size-store.ts'
import { createVersionStore } from '../../src/db/stores/version-store.ts'
import { startStored } from '../../src/jobs/start/start-stored.ts'
import { SMALL_LOAD_MAX_BYTES } from '../../src/jobs/start/stored-loads.ts'
import { globalId } from '../../src/lib/global-id.ts'
import type { JobId, WorkflowId } from '../../src/lib/ids.ts'
import { readDefinitionSource } from '../../src/schema/starts/definition-source.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { SIMPLE } from '../support/definitions.ts'
import { createFleet, start, type Fleet } from '../support/fleet.ts'
import { OWNER } from '../support/jobs.ts'

const LARGE_TEXT = 'x'.repeat(8 * SMALL_LOAD_MAX_BYTES)
const LARGE = { nodes: [{ id: 'a', type: 'core.transform', config: { value: LARGE_TEXT } }], edges: [] }
const DRAFT = { version: null, draft: true }

let database: TestDatabase
let fleet: Fleet
/** Runs no jobs. */
let lume: Lume
beforeAll(async () => {
  database = await createTestDatabase()
  fleet = createFleet(database)
  lume = await fleet.open({ role: 'api' })
})
afterAll(async () => {
  await fleet.close()
  await database.drop()
})

async function makeWorkflow(definition: unknown): Promise<WorkflowId> {
  const result = await lume.services.drafts.create(OWNER, { definition })
  if (result.kind !== 'saved') throw new Error(result.kind)
  return result.id
}

async function makeSchedule(workflowId: WorkflowId, input: unknown) {
  const saved = await lume.services.schedules.create(
    { ownerId: OWNER, workflowId },
    { cron: '0 9 * * *', draft: true, input },
  )
  if (saved.kind !== 'saved') throw new Error(JSON.stringify(saved))
  return { ownerId: OWNER, id: saved.id }
}

/** An execution that has ended. */
async function endedExecution(input: unknown): Promise<JobId> {
  const id = await start(lume, SIMPLE, { input })
  await database.pool.query(
    `UPDATE jobs SET status = 'FAILED', wake_at = NULL, finished_at = now(), error = '{"code":"X","message":"x"}' WHERE id = $1`,
    [id],
  )
  return id
}

const retry = (id: JobId) =>
  lume.services.retry({ ownerId: OWNER, id, from: 'START', version: 'SAME', idempotencyKey: null })

function startDraft(id: WorkflowId) {
  const { services } = lume
  return startStored(services, {
    workflow: { ownerId: OWNER, id },
    choice: DRAFT,
    isRefusable: true,
    start: ({ definition = null }) =>
      services.start({
        ownerId: OWNER,
        type: 'WORKFLOW',
        definition,
        workflowId: id,
        input: null,
        mode: 'production',
        intent: 'queue',
      }),
  })
}

function validateDraft(id: WorkflowId) {
  const { services } = lume
  const context = { ...services, ownerId: OWNER, readDefinition: services.reader(OWNER) }
  const source = readDefinitionSource({ workflowId: globalId('Workflow', id), draft: true }, context)
  return source.validate()
}

test('requests that name large stored values wait while the memory for them is taken, and others are answered', async () => {
  const [large, small] = [await makeWorkflow(LARGE), await makeWorkflow(SIMPLE)]
  const [ofLarge, withLarge, ofSmall] = [
    await makeSchedule(large, null),
    await makeSchedule(small, LARGE_TEXT),
    await makeSchedule(small, null),
  ]
  const [heavy, light] = [await endedExecution(LARGE_TEXT), await endedExecution(null)]
  const { schedules, loads } = lume.services
  let giveBack = () => {}
  const isTaken = new Promise<void>((resolve) => (giveBack = resolve))
  const taken = loads.run({ ownerId: OWNER, bytes: 1024 ** 3, isRefusable: false }, () => isTaken)

  let answered = 0
  const waiting = [
    retry(heavy),
    startDraft(large),
    Promise.resolve(validateDraft(large)).then(({ plan }) => ({ kind: plan ? 'started' : 'unsound' })),
    makeSchedule(large, null).then(() => ({ kind: 'saved' })),
    schedules.update(ofLarge, { name: 'Renamed' }),
    schedules.update(withLarge, { name: 'Renamed' }),
  ].map((answer) => answer.finally(() => answered++))
  expect((await retry(light)).kind).toBe('started')
  expect((await startDraft(small)).kind).toBe('started')
  expect((await validateDraft(small)).plan).not.toBeNull()
  expect((await schedules.update(ofSmall, { name: 'Renamed' })).kind).toBe('saved')
  expect(answered).toBe(0)

  giveBack()
  await taken
  const kinds = (await Promise.all(waiting)).map(({ kind }) => kind)
  expect(kinds).toEqual(['started', 'started', 'started', 'saved', 'saved', 'saved'])
})

test('a definition is read with its workflow only where it is small, and its size is known otherwise', async () => {
  const versions = createVersionStore(database.pool)
  const [large, small] = [await makeWorkflow(LARGE), await makeWorkflow(SIMPLE)]
  const choose = (id: WorkflowId, maxBytes: number) =>
    versions.chooseSmall({ ownerId: OWNER, id }, DRAFT, maxBytes)
  const chosen = await choose(large, SMALL_LOAD_MAX_BYTES)
  expect(chosen).toEqual({ kind: 'large', bytes: expect.any(Number) })
  const bytes = chosen.kind === 'large' ? chosen.bytes : 0
  expect(bytes).toBeGreaterThanOrEqual(LARGE_TEXT.length)
  expect((await choose(large, bytes)).kind).toBe('found')
  expect(await choose(small, SMALL_LOAD_MAX_BYTES)).toMatchObject({ kind: 'found', definition: SIMPLE })
})

test('the size of what a retry loads includes values and definitions, and is not known to another owner', async () => {
  const sizes = createSourceSizeStore(database.pool)
  const id = await endedExecution(LARGE_TEXT)
  const bytes = (await sizes.bytes({ ownerId: OWNER, id }, false)) ?? 0
  expect(bytes).toBeGreaterThan(LARGE_TEXT.length + JSON.stringify(SIMPLE).length)
  const started = await startDraft(await makeWorkflow(LARGE))
  const of = started.kind === 'started' ? { ownerId: OWNER, id: started.jobId } : null
  const [same, latest] = of ? [await sizes.bytes(of, false), await sizes.bytes(of, true)] : []
  expect(same).toBeGreaterThan(LARGE_TEXT.length)
  expect(latest).toBeGreaterThan(2 * LARGE_TEXT.length)
  expect(await sizes.bytes({ ownerId: 'another' as typeof OWNER, id }, false)).toBeNull()
})
