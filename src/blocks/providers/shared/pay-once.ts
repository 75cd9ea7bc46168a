import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { z } from 'zod'
import { BlockError, type BlockContext } from '../../../engine/block/index.ts'
import type { Json } from '../../../lib/json/index.ts'

/** A checkpoint holds 64 KiB; what is larger is packed and cut. */
const MAX_PLAIN_BYTES = 60_000
const MAX_PART_CHARACTERS = 60_000

const callSchema = z.discriminatedUnion('state', [
  /** It may be under way. */
  z.object({ state: z.literal('begun') }),
  /** It may be made: it failed, and whether it may be made again was for the engine to say. */
  z.object({ state: z.literal('open') }),
  z.object({ state: z.literal('done'), value: z.json() }),
  z.object({ state: z.literal('packed'), parts: z.int() }),
])

type Recorder = Pick<BlockContext, 'checkpoints' | 'checkpoint' | 'signal'>

/**
 * Makes one of several calls that cost money in one step, and records what it gave under `key`: an attempt that comes
 * after gets it from there. A call that was under way when the worker was lost throws `CALL_OUTCOME_UNKNOWN` once; if the
 * engine then tries again all the same, because the node says so, it is made again (E13).
 */
export async function payOnce(key: string, recorder: Recorder, call: () => Promise<Json>): Promise<Json> {
  const { checkpoints, checkpoint, signal } = recorder
  const recorded = callSchema.safeParse(checkpoints[key])
  switch (recorded.data?.state) {
    case 'done':
      return recorded.data.value
    case 'packed':
      return unpack(partsOf(key, recorded.data.parts, checkpoints))
    case 'begun':
      await checkpoint(key, { state: 'open' })
      throw new BlockError(
        'CALL_OUTCOME_UNKNOWN',
        'The worker was lost during a call that costs money: it may or may not have happened.',
        { retryable: true, details: { call: key } },
      )
    case 'open':
    case undefined:
  }
  await checkpoint(key, { state: 'begun' })
  const value = await call().catch(async (failure: unknown) => {
    if (!signal.aborted) await checkpoint(key, { state: 'open' })
    throw failure
  })
  await record(key, value, checkpoint)
  return value
}

async function record(key: string, value: Json, checkpoint: Recorder['checkpoint']): Promise<void> {
  const text = JSON.stringify(value)
  if (Buffer.byteLength(text) <= MAX_PLAIN_BYTES) return checkpoint(key, { state: 'done', value })
  const packed = deflateRawSync(text).toString('base64')
  const parts = Math.ceil(packed.length / MAX_PART_CHARACTERS)
  for (let i = 0; i < parts; i++) {
    await checkpoint(partKey(key, i), packed.slice(i * MAX_PART_CHARACTERS, (i + 1) * MAX_PART_CHARACTERS))
  }
  // Last: it says that all parts are there.
  await checkpoint(key, { state: 'packed', parts })
}

function unpack(packed: string): Json {
  return JSON.parse(inflateRawSync(Buffer.from(packed, 'base64')).toString()) as Json
}

function partsOf(key: string, parts: number, checkpoints: Recorder['checkpoints']): string {
  return Array.from({ length: parts }, (_, i) => z.string().parse(checkpoints[partKey(key, i)])).join('')
}

function partKey(key: string, part: number): string {
  return `${key}#${part}`
}
