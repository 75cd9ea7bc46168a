import { beforeEach, expect, jest, test } from '@jest/globals'
import { pino } from 'pino'
import { Outage, OUTAGE_QUIET_MS } from '../../../src/db/outage/outage.ts'
import { OUTAGE_BACKOFF, TransientRetry } from '../../../src/db/outage/transient-retry.ts'
import { ManualClock, settled } from '../../support/manual-clock.ts'

let clock: ManualClock
let lines: { readonly msg: string; readonly failed?: number; readonly ms?: number }[]
let outage: Outage
let retry: TransientRetry

beforeEach(() => {
  clock = new ManualClock()
  lines = []
  outage = new Outage({
    clock,
    logger: pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line)) }),
  })
  retry = new TransientRetry({ clock, random: () => 0.5, outage })
})

const lost = () => Object.assign(new Error('injected'), { code: 'ECONNRESET' })

test('an outage has one line when it begins, and one with the number of failed statements when the database answers again', async () => {
  let answers = false
  outage.endsWith(async () => {
    if (!answers) throw lost()
  })
  for (let n = 0; n < 100; n++) expect(outage.takes(lost())).toBe(true)
  await clock.advance(60_000)
  expect(lines).toMatchObject([{ msg: expect.stringContaining('the database fails') }])
  expect(outage.isOn).toBe(true)
  answers = true
  await clock.advance(OUTAGE_QUIET_MS)
  expect(lines).toMatchObject([{}, { msg: 'the database answers again', failed: 100 }])
  expect(outage.isOn).toBe(false)
})

test('an outage lasts while a call is repeated, although other statements succeed meanwhile', async () => {
  let fails = true
  const call = retry.run(async () => {
    if (fails) throw Object.assign(new Error('injected'), { code: '55P03' })
    return 'done'
  })
  await clock.advance(60_000)
  expect(lines).toHaveLength(1)
  fails = false
  await clock.advance(OUTAGE_BACKOFF.maxDelayMs + 2 * OUTAGE_QUIET_MS)
  await expect(call).resolves.toBe('done')
  expect(lines).toHaveLength(2)
})

test('an error that several callers report is counted once', async () => {
  const fault = lost()
  for (let n = 0; n < 3; n++) outage.takes(fault)
  await clock.advance(2 * OUTAGE_QUIET_MS)
  expect(lines.at(-1)).toMatchObject({ failed: 1 })
})

test('a line about an error of the database that passes is dropped, and any other line is kept', () => {
  const logger = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line)) })
  const quieted = outage.quieted(logger)
  quieted.warn({ err: lost() }, 'dropped')
  quieted.error({ err: lost() }, 'dropped')
  quieted.error({ err: new Error('a bug') }, 'kept')
  quieted.info({ err: lost() }, 'kept')
  quieted.warn('kept')
  expect(lines.map(({ msg }) => msg).filter((msg) => !msg.startsWith('the database fails'))).toEqual([
    'kept',
    'kept',
    'kept',
  ])
})

test('a call is repeated with growing delays up to a cap while it fails for a reason that passes', async () => {
  const delays: number[] = []
  const wait = async (ms: number) => void delays.push(ms)
  const patient = new TransientRetry({ clock: { wait }, random: () => 0.5 })
  const call = jest.fn(async () => {
    if (call.mock.calls.length <= 12) throw lost()
    return 'done'
  })
  await expect(patient.run(call)).resolves.toBe('done')
  expect(delays.slice(0, 4)).toEqual([25, 50, 100, 200])
  expect(Math.max(...delays)).toBe(OUTAGE_BACKOFF.maxDelayMs / 2)
})

test('a call that fails for any other reason is not repeated', async () => {
  const call = jest.fn(async () => {
    throw Object.assign(new Error('injected'), { code: '23505' })
  })
  await expect(retry.run(call)).rejects.toThrow('injected')
  expect(call).toHaveBeenCalledTimes(1)
  expect(lines).toEqual([])
})

test('a deadlock is repeated soon and is no outage, unless it happens again and again', async () => {
  let left = 3
  const call = async () => {
    if (left-- > 0) throw Object.assign(new Error('injected'), { code: '40P01' })
  }
  const done = retry.run(call)
  await clock.advance(100)
  await done
  expect(lines).toEqual([])
  left = 10
  const late = retry.run(call)
  await clock.advance(10_000)
  await late
  expect(lines).toHaveLength(2)
})

test('a call is repeated only as often as a request may wait', async () => {
  const call = jest.fn(async () => {
    throw lost()
  })
  const done = expect(retry.run(call, { maxRepeats: 3 })).rejects.toThrow('injected')
  await clock.advance(10_000)
  await done
  expect(call).toHaveBeenCalledTimes(4)
})

test('a call is no longer repeated once its run yields, and rejects with the reason for that', async () => {
  const yielded = new AbortController()
  const call = jest.fn(async () => {
    throw lost()
  })
  const done = expect(retry.run(call, { signal: yielded.signal })).rejects.toThrow('the lease is lost')
  await settled()
  yielded.abort(new Error('the lease is lost'))
  await done
  expect(call).toHaveBeenCalledTimes(1)
})

test('each call is made one last time when the process stops, and no delay is waited for', async () => {
  const call = jest.fn(async () => {
    throw lost()
  })
  const done = expect(retry.run(call)).rejects.toThrow('injected')
  await settled()
  retry.stop()
  await done
  expect(call).toHaveBeenCalledTimes(2)
})
