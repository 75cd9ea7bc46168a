import type pg from 'pg'
import type { Logger } from '../lib/log/index.ts'
import { CorrectedClock, systemClock, type Clock, type ClockReading } from '../lib/time/index.ts'

/** A clock that differs from the database's by more than this many milliseconds is reported. */
export const CLOCK_OFFSET_MAX_MS = 2_000
/** How often the database's clock is read, in milliseconds. */
const READ_EVERY_MS = 5_000
/** How often to look whether the machine's clock was set or the machine slept, in milliseconds; then the database's clock is read at once. */
const LOOK_EVERY_MS = 500
const JUMP_MS = 250
/** Of this many readings at start, the one with the fastest answer counts. */
const FIRST_READINGS = 3

const READ = 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS instant'

/** The time of the database in this process. */
export interface DatabaseClock {
  readonly clock: Clock
  /** How far the machine's clock is ahead of the database's, in milliseconds; negative: behind. */
  offsetMs(): number
  /** Ends the readings, without a wait for one that has begun. The clock continues without them. */
  close(): void
}

export interface DatabaseClockOptions {
  readonly pool: pg.Pool
  /** The clock of this machine. Default: the system's. */
  readonly machine?: Clock | undefined
  readonly logger: Pick<Logger, 'warn'>
}

/**
 * Opens a clock that shows the database's time, whatever the clock of this machine shows. An instant that this process records or compares
 * then means the same to `now()` in a statement and to every other process. While the database does not answer, the clock continues from
 * the last reading.
 *
 * Logs a warning if the machine's clock is off by more than `CLOCK_OFFSET_MAX_MS`, at start or later.
 */
export async function openDatabaseClock(options: DatabaseClockOptions): Promise<DatabaseClock> {
  const { pool, machine = systemClock, logger } = options
  let fastest = await read(pool)
  for (let count = 1; count < FIRST_READINGS; count++) {
    const reading = await read(pool)
    if (roundTripOf(reading) < roundTripOf(fastest)) fastest = reading
  }
  const clock = new CorrectedClock(fastest, { machine })
  const reports = new OffsetReports(logger)
  reports.offset(clock.machineOffsetMs, fastest)
  const closed = new AbortController()
  void follow(clock, { pool, machine, reports, signal: closed.signal })
  return {
    clock,
    offsetMs: () => clock.machineOffsetMs,
    close: () => closed.abort(new Error('the clock is closed')),
  }
}

interface Following {
  readonly pool: pg.Pool
  readonly machine: Clock
  readonly reports: OffsetReports
  readonly signal: AbortSignal
}

async function follow(clock: CorrectedClock, { pool, machine, reports, signal }: Following): Promise<void> {
  const machineOrigin = () => machine.now() - performance.now()
  let expectedOrigin = machineOrigin()
  let readAt = performance.now()
  for (;;) {
    await machine.wait(LOOK_EVERY_MS, signal).catch(() => {}) // closed: the next line ends the loop
    if (signal.aborted) return
    const hasJumped = Math.abs(machineOrigin() - expectedOrigin) > JUMP_MS
    if (!hasJumped && performance.now() - readAt < READ_EVERY_MS) continue
    expectedOrigin = machineOrigin()
    readAt = performance.now()
    try {
      const reading = await read(pool)
      reports.moved(clock.correct(reading))
      reports.offset(clock.machineOffsetMs, reading)
    } catch {
      // The database does not answer: the statements that need its answer report that.
    }
  }
}

/** Reads the clock. The wait for a connection is not part of the reading. */
async function read(pool: pg.Pool): Promise<ClockReading> {
  const client = await pool.connect()
  let isUsable = false
  try {
    const askedAt = performance.now()
    const { rows } = await client.query<{ instant: number }>(READ)
    const answeredAt = performance.now()
    isUsable = true
    const [row] = rows
    if (!row) throw new Error('the database returned no time')
    return { askedAt, answeredAt, instant: row.instant }
  } finally {
    client.release(!isUsable)
  }
}

function roundTripOf({ askedAt, answeredAt }: ClockReading): number {
  return answeredAt - askedAt
}

/** Reports a clock once when it is off, and again only after it was right in the meantime. */
class OffsetReports {
  readonly #logger: Pick<Logger, 'warn'>
  #isOff = false

  constructor(logger: Pick<Logger, 'warn'>) {
    this.#logger = logger
  }

  offset(offsetMs: number, reading: ClockReading): void {
    // What the reading leaves open is not reported.
    const certainMs = Math.abs(offsetMs) - roundTripOf(reading) / 2
    if (certainMs < CLOCK_OFFSET_MAX_MS / 2) this.#isOff = false
    if (certainMs <= CLOCK_OFFSET_MAX_MS || this.#isOff) return
    this.#isOff = true
    this.#logger.warn(
      { clockOffsetMs: Math.round(offsetMs) },
      `this machine's clock is ${seconds(offsetMs)} ${offsetMs > 0 ? 'ahead of' : 'behind'} the database's clock; ` +
        'timers, schedules and event times follow the database, log lines do not: synchronise the clocks of both machines with NTP',
    )
  }

  moved(movedMs: number): void {
    if (Math.abs(movedMs) <= CLOCK_OFFSET_MAX_MS) return
    this.#logger.warn(
      { movedMs: Math.round(movedMs) },
      movedMs > 0
        ? `the database's clock is ${seconds(movedMs)} ahead of what this process expected: this machine slept, or the database's ` +
            'clock was set; this process continues with the time of the database'
        : `the database's clock was set back by ${seconds(movedMs)}: timers that are already recorded end that much later, and ` +
            'the time of this process approaches the time of the database slowly; synchronise the clock of the database with NTP',
    )
  }
}

function seconds(ms: number): string {
  return `${(Math.abs(ms) / 1_000).toFixed(1)} s`
}
