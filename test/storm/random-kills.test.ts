import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createExecutionStore } from '../../src/db/executions/execution-store.ts'
import type { JobId } from '../../src/lib/ids.ts'
import { start } from '../support/fleet.ts'
import { OWNER } from '../support/jobs.ts'
import {
  APPROVAL,
  APPROVED,
  CHILD,
  FAN,
  JOINED,
  ORDER,
  ORDERED,
  parentOf,
  WITH_CHILD,
} from '../support/ledger-definitions.ts'
import { openMortalServer, type MortalServer } from '../support/mortal-server.ts'
import { brokenPromises } from '../support/promises.ts'
import { seededRandom } from '../support/seeded-random.ts'

/** The same seed gives the same shapes and points; what runs beside them is up to the machine. */
const SEED = Number(process.env.LUME_CHAOS_SEED ?? randomInt(2 ** 31))
const KILLS = Number(process.env.LUME_CHAOS_KILLS ?? 6)
/** For one kill and one start, on a machine that does much else. */
const KILL_PATIENCE_MS = 30_000
const PATIENCE_MS = 240_000
/** As many are under way at a time: the load does not cease before the process does, and does not pile up. */
const UNDER_WAY = 12
const STARTS_WHILE_DOWN = 2
/** A process dies at one of so many of its commits: late enough that a job's every sixth life does not end before a step. */
const COMMITS_PER_LIFE = { least: 4, most: 40 }
const LEASE_MS = 2_000
const DELAY_MS = 300
const LOOK_AGAIN_MS = 20

interface Started {
  readonly id: JobId
  readonly output: unknown
}

interface Shape {
  readonly definition: object
  readonly output: unknown
  readonly isApproved?: boolean
}

let mortal: MortalServer
let shapes: readonly Shape[]

beforeAll(async () => {
  mortal = await openMortalServer({ leaseMs: LEASE_MS })
  const child = await mortal.api.services.drafts.create(OWNER, { name: 'child', definition: CHILD })
  if (child.kind !== 'saved') throw new Error(child.kind)
  shapes = [
    { definition: ORDER, output: ORDERED },
    { definition: APPROVAL, output: APPROVED, isApproved: true },
    { definition: FAN, output: JOINED },
    { definition: parentOf(child.id), output: WITH_CHILD },
  ]
}, PATIENCE_MS)

afterAll(() => mortal.close(), PATIENCE_MS)

test(
  `${KILLS} kills at random under load lose nothing, repeat no recorded call and tear no timeline (LUME_CHAOS_SEED=${SEED})`,
  async () => {
    const random = seededRandom(SEED)
    const whole = (least: number, most: number) => least + Math.floor(random() * (most - least + 1))
    const started: Started[] = []
    for (let kills = 0; kills < KILLS; kills++) {
      await mortal.boot()
      const struck = mortal.killAt({
        statement: 'journal-flush',
        nth: whole(COMMITS_PER_LIFE.least, COMMITS_PER_LIFE.most),
        side: random() < 0.5 ? 'before' : 'after',
      })
      let isDead = false
      void struck.then(() => (isDead = true))
      while (!isDead) {
        if ((await openRuns()) < UNDER_WAY) started.push(await startOne(random))
        else await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
      }
      await struck
      for (let n = 0; n < STARTS_WHILE_DOWN; n++) started.push(await startOne(random))
    }
    await mortal.boot()
    for (const { id, output } of started) {
      expect([id, await endedAs(id)]).toEqual([id, { status: 'COMPLETED', error: null, output, broken: [] }])
    }
    // None is lost (P1), and none that nobody started is there but children.
    expect(await count('parent_id IS NULL')).toBe(started.length)
    expect(await count('finished_at IS NULL')).toBe(0)
  },
  PATIENCE_MS + KILLS * KILL_PATIENCE_MS,
)

async function startOne(random: () => number): Promise<Started> {
  const { definition, output, isApproved } = shapes[Math.floor(random() * shapes.length)] as Shape
  const input = { ledger: mortal.ledger.url, delayMs: DELAY_MS }
  const id = await start(mortal.api, definition, { input })
  if (isApproved) {
    const sent = await mortal.api.jobs.signalJob(id, { name: 'approval', payload: { by: 'Ada' } })
    expect(sent).toEqual({ kind: 'sent', deduplicated: false })
  }
  return { id, output }
}

async function endedAs(id: JobId) {
  const { status, error } = await mortal.endOf(id)
  const details = await createExecutionStore(mortal.database.pool).details(id)
  const broken = await brokenPromises({ pool: mortal.database.pool, ledger: mortal.ledger }, id)
  return { status, error, output: details?.output, broken }
}

function openRuns(): Promise<number> {
  return count('finished_at IS NULL AND parent_id IS NULL')
}

async function count(condition: string): Promise<number> {
  const { rows } = await mortal.database.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM jobs WHERE ${condition}`,
  )
  return rows[0]?.count ?? -1
}
