import { createHash } from 'node:crypto'
import { z } from 'zod'
import { LumeError } from '../lib/index.ts'
import { systemClock, type Clock } from '../lib/time/index.ts'

/** Where the server mounts it. */
export const EXAMPLE_RECEIVER_PATH = '/examples/receiver'

const MAX_BODY_BYTES = 1024 * 1024
const MAX_KEYS = 10_000
const MAX_KEY_LENGTH = 255
const MAX_DELAY_MS = 5_000

const batchSchema = z.object({
  batch: z.int().min(0).optional(),
  leads: z.array(z.record(z.string(), z.unknown())),
})
const delaySchema = z.coerce.number().int().min(0).max(MAX_DELAY_MS)

/** All that is kept of a batch: enough to tell a repetition from a conflict, nothing of the leads themselves. */
interface ReceivedBatch {
  readonly bodySha256: string
  readonly leads: number
  /** The number of leads held once this batch was in: part of its answer, so repeated with it. */
  readonly total: number
  /** How often this very batch was sent. */
  calls: number
}

export interface ExampleReceiver {
  handle(request: Request): Promise<Response>
}

/** A refusal: its code and message go to the caller with this status. */
class Refusal extends LumeError {
  readonly status: number

  constructor(status: number, code: string, message: string) {
    super(code, message)
    this.status = status
  }
}

/**
 * A stand-in for the system at the end of the example workflow: takes batches of leads, each under an `Idempotency-Key`,
 * and counts how often it was called, so that anybody can see that a repeated call changed nothing. It keeps hashes and
 * counts only, in memory. `?delayMs=` holds the answer back, after the batch was recorded, as a slow system would.
 */
export function createExampleReceiver(clock: Clock = systemClock): ExampleReceiver {
  const batches = new Map<string, ReceivedBatch>()
  let calls = 0
  let leads = 0

  async function receive(request: Request, url: URL): Promise<Response> {
    const delayMs = parseDelay(url)
    const key = parseKey(request)
    const body = await readBody(request)
    const batch = parseBatch(body)
    calls += 1
    const answer = record(key, createHash('sha256').update(body).digest('hex'), batch.leads.length)
    await clock.wait(delayMs, request.signal)
    return Response.json(answer)
  }

  function record(key: string, bodySha256: string, count: number) {
    const known = batches.get(key)
    if (known) {
      if (known.bodySha256 !== bodySha256) {
        throw new Refusal(409, 'IDEMPOTENCY_CONFLICT', 'This Idempotency-Key came with another body before.')
      }
      known.calls += 1
      return { accepted: known.leads, total: known.total, duplicate: true }
    }
    if (batches.size >= MAX_KEYS) {
      throw new Refusal(
        507,
        'RECEIVER_FULL',
        `It holds ${MAX_KEYS} batches already; DELETE ${EXAMPLE_RECEIVER_PATH} clears it.`,
      )
    }
    leads += count
    batches.set(key, { bodySha256, leads: count, total: leads, calls: 1 })
    return { accepted: count, total: leads }
  }

  function summary(): Response {
    const held = Array.from(batches, ([key, batch]) => ({
      key,
      calls: batch.calls,
      bodySha256: batch.bodySha256,
      leads: batch.leads,
    }))
    return Response.json({ calls, batches: held, leads })
  }

  function clear(): Response {
    batches.clear()
    calls = 0
    leads = 0
    return new Response(null, { status: 204 })
  }

  function route(request: Request): Promise<Response> | Response {
    const url = new URL(request.url)
    if (url.pathname === `${EXAMPLE_RECEIVER_PATH}/batches`) {
      return request.method === 'POST' ? receive(request, url) : methodNotAllowed('POST')
    }
    if (url.pathname !== EXAMPLE_RECEIVER_PATH) {
      throw new Refusal(
        404,
        'NOT_FOUND',
        `There is ${EXAMPLE_RECEIVER_PATH} and ${EXAMPLE_RECEIVER_PATH}/batches here.`,
      )
    }
    if (request.method === 'GET') return summary()
    return request.method === 'DELETE' ? clear() : methodNotAllowed('GET, DELETE')
  }

  return {
    async handle(request) {
      try {
        return await route(request)
      } catch (thrown) {
        if (thrown instanceof Refusal) return refused(thrown)
        throw thrown
      }
    },
  }
}

function parseDelay(url: URL): number {
  const delay = delaySchema.safeParse(url.searchParams.get('delayMs') ?? 0)
  if (!delay.success)
    throw new Refusal(400, 'BAD_DELAY', `delayMs is a whole number from 0 to ${MAX_DELAY_MS}.`)
  return delay.data
}

function parseKey(request: Request): string {
  const key = request.headers.get('idempotency-key')
  if (!key) throw new Refusal(400, 'IDEMPOTENCY_KEY_MISSING', 'Every batch needs an Idempotency-Key header.')
  if (key.length > MAX_KEY_LENGTH) {
    throw new Refusal(
      400,
      'IDEMPOTENCY_KEY_TOO_LONG',
      `An Idempotency-Key has at most ${MAX_KEY_LENGTH} characters.`,
    )
  }
  return key
}

/** Stops reading as soon as the cap is passed, whatever the Content-Length promised. */
async function readBody(request: Request): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > MAX_BODY_BYTES) {
      throw new Refusal(413, 'BODY_TOO_LARGE', `A batch has at most ${MAX_BODY_BYTES} bytes.`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parseBatch(body: Buffer): z.output<typeof batchSchema> {
  const batch = batchSchema.safeParse(parseJson(body))
  if (!batch.success) {
    throw new Refusal(
      422,
      'BAD_BATCH',
      `A batch is { batch: number, leads: object[] }: ${z.prettifyError(batch.error)}`,
    )
  }
  return batch.data
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    throw new Refusal(400, 'BAD_JSON', 'The body is not JSON in UTF-8.')
  }
}

function methodNotAllowed(allow: string): Response {
  const body = { code: 'METHOD_NOT_ALLOWED', message: `This path takes ${allow}.` }
  return Response.json(body, { status: 405, headers: { allow } })
}

function refused({ status, code, message }: Refusal): Response {
  return Response.json({ code, message }, { status })
}
