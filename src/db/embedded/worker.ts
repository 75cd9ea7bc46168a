import { parentPort, workerData } from 'node:worker_threads'
import type { PGlite } from '@electric-sql/pglite'
import { assertNever } from '../../lib/index.ts'
import { createCluster, openCluster } from './cluster.ts'
import { breakdownOf } from './folder-errors.ts'
import { isCreated } from './is-created.ts'
import { steadyNow } from './steady-now.ts'
import { TERMINATE, UnitReader } from './unit-reader.ts'
import type { FromWorker, ToWorker, WorkerData } from './worker-messages.ts'

// The thread that runs Postgres, for one connection at a time and one unit of messages at a time: PGlite is a single
// session, which every connection finds as if it were new.
//
// Whatever breaks here, other than an error that Postgres answers, ends the thread without closing the database. At the
// next start Postgres recovers from its log, as after a power cut.

const SYNC = Buffer.from('S\0\0\0\x04', 'latin1')
const ROLLBACK = query('rollback')
const DISCARD_ALL = query('discard all')

// What PGlite throws where Postgres jumps to its error handler.
const POSTGRES_ERROR_STATUS = 100

if (!parentPort) throw new Error('worker.ts runs in a worker thread')
const port = parentPort
const { folder } = workerData as WorkerData
Date.now = steadyNow()
let lastComplaint = ''
let client: { readonly connection: number; readonly units: UnitReader } | null = null
let work: Promise<void> = start()

async function start(): Promise<void> {
  try {
    if (!isCreated(folder)) await createCluster(folder)
    const postgres = await openCluster(folder, { onComplaint: (line) => (lastComplaint = line) })
    endOnBreakdown(postgres)
    port.on('message', (message: ToWorker) => {
      work = work.then(() => handle(postgres, message)).catch(fail)
    })
    send({ kind: 'ready' })
  } catch (failure) {
    fail(failure)
  }
}

/**
 * PGlite swallows what breaks out of Postgres (an exhausted stack, an abort, an fsync that failed) and goes on with the
 * next message: a statement that never ran then looks done. Here nothing goes on.
 */
function endOnBreakdown({ Module: postgres }: PGlite): void {
  const answerOne = postgres._PostgresMainLoopOnce
  postgres._PostgresMainLoopOnce = () => {
    try {
      answerOne()
    } catch (thrown) {
      if ((thrown as { status?: unknown }).status === POSTGRES_ERROR_STATUS) throw thrown
      fail(thrown)
    }
  }
}

async function handle(postgres: PGlite, message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'connect':
      if (client) return send({ kind: 'refused', connection: message.connection })
      client = { connection: message.connection, units: new UnitReader() }
      return
    case 'bytes':
      return receive(postgres, message.connection, message.bytes)
    case 'disconnect':
      return disconnect(postgres, message.connection)
    case 'stop':
      await postgres.close()
      return port.close()
    default:
      assertNever(message)
  }
}

async function receive(postgres: PGlite, connection: number, bytes: Uint8Array): Promise<void> {
  if (client?.connection !== connection) return
  for (const unit of client.units.read(bytes)) {
    if (unit[0] === TERMINATE) return disconnect(postgres, connection)
    const answer = await run(postgres, unit)
    send({ kind: 'bytes', connection, bytes: answer }, [answer.buffer])
  }
}

/** As every Postgres does when a connection ends: the open transaction is undone, all that was set or prepared is gone. */
async function disconnect(postgres: PGlite, connection: number): Promise<void> {
  if (client?.connection !== connection) return
  client = null
  for (const unit of [SYNC, ROLLBACK, DISCARD_ALL]) await run(postgres, unit)
}

async function run(postgres: PGlite, unit: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  // A chunk lies in Postgres' memory, where the next overwrites it.
  await postgres.execProtocolRawStream(unit, { onRawData: (chunk) => chunks.push(chunk.slice()) })
  return join(chunks)
}

/** In a buffer of its own, which can be handed over to the other thread. */
function join(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    joined.set(chunk, at)
    at += chunk.length
  }
  return joined
}

function query(sql: string): Uint8Array {
  const unit = Buffer.from(`Q\0\0\0\0${sql}\0`, 'latin1')
  unit.writeUInt32BE(unit.length - 1, 1)
  return unit
}

function fail(failure: unknown): never {
  send({ kind: 'failed', ...breakdownOf(failure, lastComplaint) })
  process.exit(1)
}

function send(message: FromWorker, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, transfer)
}
