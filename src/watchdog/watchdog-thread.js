// @ts-check
// The watchdog's thread. Plain JavaScript, because on Node 20 a thread of a program that runs from TypeScript does not load
// TypeScript; the build checks its types.
//
// It notices that the event loop of the main thread is blocked: the main thread counts beats in shared memory, and the count
// stands still. It then does what the main thread cannot do: it finds out through the inspector whose code is running, keeps
// the leases, and after a bounded time gives the jobs of the neighbours back.
//
// It also writes the heartbeat of the process: a process whose main thread is blocked is alive.
import { writeFileSync, writeSync } from 'node:fs'
import { Session, url as inspectorUrl } from 'node:inspector'
import { parentPort, workerData } from 'node:worker_threads'

/** @typedef {import('./watchdog-messages.ts').WatchdogData} WatchdogData */
/** @typedef {import('./watchdog-messages.ts').Blame} Blame */

const LOG_LEVELS = { error: 50, fatal: 60 }
/** How long the inspector may take to find out whose code is running before the block is reported without it. */
const LOCATE_MS = 3_000
const LOCATE_AGAIN_MS = 2_000
/** How much longer a block may last whose code is not known yet. */
const GIVE_UP_UNKNOWN_MS = 10_000
const CONNECT_TIMEOUT_MS = 5_000
/** How long giving the neighbours back may delay the end of the process. */
const GIVE_BACK_MS = 5_000
const STDOUT = 1
/** No execution has it: code of a module belongs to none. */
const NO_EXECUTION = '00000000-0000-0000-0000-000000000000'

const data = /** @type {WatchdogData} */ (workerData)
const beats = new Int32Array(data.shared)

let lastBeat = Atomics.load(beats, 0)
let lastLookAt = performance.now()
let blockedMs = 0
/** @type {Blame | null} */
let blame = null
/** @type {Session | null} */
let session = null
let locatedAt = Number.NEGATIVE_INFINITY
/** @type {'no' | 'unnamed' | 'named'} */
let reported = 'no'
let hasGivenUp = false
let renewedAt = Number.NEGATIVE_INFINITY
/** @type {Promise<import('pg').Client | null> | null} */
let connection = null
let isBeating = false
/** A heartbeat has failed since the last one that was written. */
let hadOutage = false

setInterval(look, data.lookEveryMs)
if (data.databaseUrl !== null) {
  setInterval(() => void beat(), data.heartbeat.everyMs)
  void beat()
}

/** Writes one heartbeat. The main thread logs outages, so one that fails is not logged. */
async function beat() {
  if (isBeating) return
  isBeating = true
  const { timeoutMs } = data.heartbeat
  try {
    const client = await (connection ?? open(timeoutMs))
    const startedAt = performance.now()
    const values = [data.workerId, hadOutage]
    // Each statement may have its own limit, which the types leave out.
    const statement = { text: data.heartbeatStatement, values, query_timeout: timeoutMs }
    await client?.query(statement)
    // A database that answers this late was not reachable for a while: the next heartbeat says so.
    hadOutage = performance.now() - startedAt > timeoutMs / 2
  } catch {
    hadOutage = true
    disconnect()
  } finally {
    isBeating = false
  }
}

/** The next statement opens a new connection. */
function disconnect() {
  const closing = connection
  connection = null
  closing?.then((client) => client?.end()).catch(() => undefined)
}

function look() {
  const now = performance.now()
  // Counted by looks, not by the clock: when the whole process or machine was stopped, the main thread was not blocked.
  const elapsedMs = Math.min(now - lastLookAt, 2 * data.lookEveryMs)
  lastLookAt = now
  const beat = Atomics.load(beats, 0)
  if (beat !== lastBeat) {
    lastBeat = beat
    recover()
    return
  }
  blockedMs += elapsedMs
  if (blockedMs >= data.keepAfterMs && !hasGivenUp && now - renewedAt >= data.renewEveryMs) {
    renewedAt = now
    void query(data.renewStatement, [data.workerId, data.leaseMs])
  }
  // The interrupt may have met other code, which ran right before the one that blocks: it is asked again.
  const isKnown = blame?.code != null
  const mayLocate = !session && !isKnown && now - locatedAt >= LOCATE_AGAIN_MS
  if (blockedMs >= data.reportAfterMs && mayLocate) locate()
  if (blockedMs >= data.reportAfterMs + (isKnown ? 0 : LOCATE_MS)) report(isKnown ? 'named' : 'unnamed')
  if (blockedMs >= data.maxBlockedMs + (isKnown ? 0 : GIVE_UP_UNKNOWN_MS) && !hasGivenUp) void giveUp()
}

/** The main thread beats again. */
function recover() {
  closeSession()
  if (blockedMs >= data.reportAfterMs) {
    parentPort?.postMessage({ blockedMs: Math.round(blockedMs), blame })
  }
  blockedMs = 0
  blame = null
  locatedAt = Number.NEGATIVE_INFINITY
  reported = 'no'
  hasGivenUp = false
  renewedAt = Number.NEGATIVE_INFINITY
}

/** Interrupts the main thread for some milliseconds, to ask which user code it is in. Code that is native ends first. */
function locate() {
  locatedAt = performance.now()
  if (inspectorUrl() !== undefined || data.isDebugged) return
  /** @type {Map<string, string>} */
  const urls = new Map()
  const current = new Session()
  session = current
  current.connectToMainThread()
  current.on('Debugger.scriptParsed', ({ params }) => void urls.set(params.scriptId, params.url))
  current.on('Debugger.paused', ({ params }) => {
    if (session !== current) return
    const [top] = params.callFrames
    // Not a function of Node's own that the code has just called.
    const frame =
      params.callFrames.find(({ location }) => !urls.get(location.scriptId)?.startsWith('node:')) ?? top
    const { scriptId, lineNumber } = frame?.location ?? { scriptId: '', lineNumber: 0 }
    const at = `${frame?.functionName || '(anonymous)'} (${urls.get(scriptId) || scriptId}:${lineNumber + 1})`
    const question = {
      callFrameId: top?.callFrameId ?? '',
      expression: `globalThis[Symbol.for(${JSON.stringify(data.userCodeKey)})]?.() ?? 'null'`,
      returnByValue: true,
      silent: true,
    }
    current.post('Debugger.evaluateOnCallFrame', question, (fault, answer) => {
      const { result } = /** @type {{ result?: { value?: unknown } }} */ (answer ?? {})
      // The main thread may have gone on by itself, and the session been closed.
      if (session !== current) return
      blame = { at, code: fault ? null : readCode(result?.value) }
      closeSession()
    })
  })
  current.post('Debugger.enable', () => {
    if (session === current) current.post('Debugger.pause')
  })
}

/** @param {unknown} text */
function readCode(text) {
  try {
    return typeof text === 'string' ? JSON.parse(text) : null
  } catch {
    return null
  }
}

/** The main thread goes on where it was interrupted. */
function closeSession() {
  const closing = session
  session = null
  if (!closing) return
  closing.post('Debugger.resume')
  closing.post('Debugger.disable', () => closing.disconnect())
}

/**
 * Once, or twice when the code is found only after the first line.
 * @param {'unnamed' | 'named'} how
 */
function report(how) {
  if (reported === 'named' || reported === how) return
  reported = how
  log('error', 'the event loop is blocked')
}

/**
 * The block lasts too long. If user code is in the way, the neighbours are given back, and a process that belongs to Lume
 * ends. Otherwise nothing is known of the cause, such as a machine that is too busy: the leases run out.
 */
async function giveUp() {
  hasGivenUp = true
  const code = blame?.code ?? null
  const ends = data.endsProcess && code !== null
  log(
    'fatal',
    ends ? 'the event loop stays blocked; the process ends itself' : 'the event loop stays blocked',
  )
  if (code === null) return
  const blamed = code.executionId ?? NO_EXECUTION
  if (data.notePath) writeFileSync(data.notePath, JSON.stringify({ executionId: blamed }))
  const patience = new Promise((resolve) => setTimeout(resolve, GIVE_BACK_MS))
  await Promise.race([query(data.giveBackStatement, [data.workerId, blamed]), patience])
  if (ends && hasGivenUp) process.kill(process.pid, 'SIGKILL')
}

/**
 * @param {string} text
 * @param {readonly unknown[]} values
 */
async function query(text, values) {
  try {
    const client = await (connection ?? open(CONNECT_TIMEOUT_MS))
    if (client) await client.query(text, [...values])
  } catch (fault) {
    disconnect()
    log('error', 'the watchdog could not reach the database', { err: { message: String(fault) } })
  }
}

/** @param {number} timeoutMs */
function open(timeoutMs) {
  const opening = connect(timeoutMs, () => {
    if (connection === opening) connection = null
  })
  connection = opening
  return opening
}

/**
 * @param {number} timeoutMs
 * @param {() => void} onBroken
 */
async function connect(timeoutMs, onBroken) {
  if (data.databaseUrl === null) return null
  const { default: pg } = await import('pg')
  const client = new pg.Client({
    connectionString: data.databaseUrl,
    application_name: 'lume watchdog',
    connectionTimeoutMillis: timeoutMs,
    keepAlive: true,
  })
  client.on('error', onBroken)
  await client.connect()
  return client
}

/**
 * The main thread's logger cannot write now: a line of the same form.
 * @param {'error' | 'fatal'} level
 * @param {string} msg
 * @param {object} [more]
 */
function log(level, msg, more = {}) {
  if (!data.logLevels.includes(level)) return
  const time = new Date().toISOString()
  const { code = null, at = null } = blame ?? {}
  const place = code ? { [code.kind]: code.name, executionId: code.executionId, path: code.path } : {}
  const line = {
    level: LOG_LEVELS[level],
    time,
    blockedMs: Math.round(blockedMs),
    ...place,
    at,
    ...more,
    msg,
  }
  try {
    writeSync(STDOUT, `${JSON.stringify(line)}\n`)
  } catch {
    // The reader of the log is gone or full; the watch matters more.
  }
}
