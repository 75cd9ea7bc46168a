import { randomInt } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { Closers } from '../../src/lib/async/closers.ts'
import { openPool } from '../support/database.ts'
import { CHILD } from '../support/ledger-definitions.ts'
import { startLedger, type LedgerServer } from '../support/ledger-server.ts'
import { startPostgres, type PostgresServer } from '../support/postgres-server.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { FAULT_KINDS, rolesOf, strike, type FaultKind } from '../support/storm/faults.ts'
import { shapesWith, type Shape } from '../support/storm/shapes.ts'
import { createStormClients, type SeenRun, type StormClients } from '../support/storm/storm-client.ts'
import { openStormServer, type StormRole, type StormServer } from '../support/storm/storm-server.ts'
import { faultsAfter } from '../support/storm/verdict.ts'
import { until } from '../support/until.ts'
import { requireWholeLogs } from '../support/whole-logs.ts'

/** The same seed gives the same faults; what they meet is up to the machine. */
const SEED = Number(process.env.LUME_CHAOS_SEED ?? randomInt(2 ** 31))
const FAULTS = Number(process.env.LUME_CHAOS_FAULTS ?? FAULT_KINDS.length)
/** The kinds of faults, separated by commas. */
const KINDS = (process.env.LUME_CHAOS_KINDS?.split(',') ?? FAULT_KINDS) as readonly FaultKind[]
const ROLES: readonly StormRole[] = ['api', 'api', 'worker', 'worker']
const CLIENTS = 12
const LEASE_MS = 3_000
const DELAY_MS = 300
/** Between two faults the ledger receives at least so many calls: the load has got under way again. */
const CALLS_BETWEEN = { least: 5, most: 30 }
/** Long enough that faults strike while calls are in flight. */
const CALL_MS = { paid: 300, other: 30 }
/** For progress between two faults, and for the executions that are open after the last one. */
const PATIENCE_MS = 60_000
const FAULT_PATIENCE_MS = 30_000

const closers = new Closers()
let postgres: PostgresServer
let ledger: LedgerServer
let servers: readonly StormServer[]
let clients: StormClients
let shapes: readonly Shape[]
/** What has struck, with its time. */
const strikes: string[] = []

beforeAll(async () => {
  postgres = await startPostgres()
  closers.add(() => postgres.stop())
  ledger = await startLedger((path) => (path === '/purchase' ? CALL_MS.paid : CALL_MS.other))
  closers.add(() => ledger.close())
  const environment = {
    LUME_ALLOW_PRIVATE_HOSTS: ledger.host,
    LUME_LEASE_MS: String(LEASE_MS),
    LUME_BLOCKS: fileURLToPath(new URL('../support/purchase-blocks.js', import.meta.url)),
  }
  servers = await Promise.all(
    ROLES.map((role, n) => openStormServer(`${role}-${n}`, role, { databaseUrl: postgres.url, environment })),
  )
  for (const server of servers) closers.add(() => server.close())
  await Promise.all(servers.map((server) => server.boot()))
  clients = createStormClients(() => servers.flatMap(({ role, url }) => (role === 'api' && url ? [url] : [])))
  shapes = shapesWith(await clients.publish(CHILD))
}, PATIENCE_MS)

afterAll(() => closers.close(), PATIENCE_MS)

test(
  `${FAULTS} faults at random under load lose, repeat and tear nothing, and fail no execution (LUME_CHAOS_SEED=${SEED})`,
  async () => {
    const runs: SeenRun[] = []
    let isOver = false
    let started = 0
    const beClient = async () => {
      while (!isOver) {
        const n = started++
        const input = { ledger: ledger.url, delayMs: DELAY_MS }
        runs.push(await clients.run(shapes[n % shapes.length] as Shape, `run-${n}`, input))
      }
    }
    const loaded = Promise.all(Array.from({ length: CLIENTS }, beClient))
    const struck = strikeAtRandom(seededRandom(SEED)).finally(() => (isOver = true))
    try {
      await Promise.race([struck, loaded])
      await struck
      await withinPatience(loaded)
      expect(runs).toHaveLength(started)
      expect(await faultsOf(runs)).toEqual([])
    } catch (failure) {
      throw new Error(`${String(failure)}\n${circumstances()}`, { cause: failure })
    }
  },
  2 * PATIENCE_MS + FAULTS * FAULT_PATIENCE_MS,
)

async function faultsOf(runs: readonly SeenRun[]): Promise<readonly string[]> {
  const pool = openPool(postgres.url)
  const wasStruck = (pid: number | null, since: number) =>
    servers.some((server) => server.wasStruck(pid, since))
  try {
    const found = await faultsAfter({ pool, ledger, wasStruck }, runs)
    await requireWholeLogs(pool)
    return found
  } finally {
    await pool.end()
  }
}

/** What struck and when, and the warnings and errors of all processes: what one needs to understand a failure. */
function circumstances(): string {
  const logs = servers.map((server) => `${server.name}:\n${server.warnings().join('\n')}`)
  return [...strikes, ...clients.open(), ...logs].join('\n')
}

/** Each kind of fault strikes as often as the others. Faults of different servers overlap. */
async function strikeAtRandom(random: () => number): Promise<void> {
  const whole = (least: number, most: number) => least + Math.floor(random() * (most - least + 1))
  const busy = new Map<StormServer, Promise<void>>()
  let left: FaultKind[] = []
  for (let n = 0; n < FAULTS; n++) {
    if (left.length === 0) left = [...KINDS]
    const [kind] = left.splice(whole(0, left.length - 1), 1) as [FaultKind]
    const [calls, choice, share] = [
      ledger.calls.length + whole(CALLS_BETWEEN.least, CALLS_BETWEEN.most),
      random(),
      random(),
    ]
    await until(`the load has got under way before ${kind}`, () => ledger.calls.length >= calls, PATIENCE_MS)
    const roles = rolesOf(kind)
    const able = servers.filter(({ role }) => roles?.includes(role))
    const server = able[Math.floor(choice * able.length)] ?? null
    // A fault of the database strikes when no server is struck, so that each server can be started again.
    await (server ? busy.get(server) : Promise.all(busy.values()))
    const fault = { kind, server, share }
    const over = strike({ servers, postgres, leaseMs: LEASE_MS }, fault)
    strikes.push(`${new Date().toISOString()} ${kind} ${server?.name ?? ''} ${share.toFixed(2)}`)
    if (server) busy.set(server, over)
    else await over
  }
  await Promise.all(busy.values())
}

/** Waits for the executions that are open. */
async function withinPatience(loaded: Promise<unknown>): Promise<void> {
  let isDone = false
  const done = loaded.then(() => (isDone = true))
  await Promise.race([done, until('the open executions have ended', () => isDone, PATIENCE_MS)])
}
