import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Json } from '../../../lib/json/index.ts'
import type { UploadReceipt, UploadSession } from './meta-client.ts'

/** Meta closes a session without a last batch after 90 minutes; one that is nearly so old is not gone on with. */
const MAX_SESSION_AGE_MS = 80 * 60_000
const MAX_SAMPLES = 20
/** Session ids are 64-bit numbers, of which JSON carries 53 without loss. */
const SESSION_ID_BYTES = 6

/** How far an upload in several batches has come; recorded after every batch. */
export const uploadProgressSchema = z.object({
  sentRows: z.int(),
  /** As Meta counts, in the sessions before this one. */
  receivedBefore: z.int(),
  invalidEntries: z.int(),
  invalidSamples: z.array(z.custom<Json>((value) => value !== undefined)),
  session: z.object({ id: z.int(), startedAt: z.int(), batches: z.int(), received: z.int(), total: z.int() }),
})
export type UploadProgress = z.output<typeof uploadProgressSchema>

export interface UploadStart {
  /** The step’s own: sessions of different steps must not meet. */
  readonly idempotencyKey: string
  readonly rows: number
  readonly now: number
}

/** Where an upload begins, or goes on that was interrupted: in a new session where the old one may be closed. */
export function startUpload(before: UploadProgress | null, start: UploadStart): UploadProgress {
  if (before && start.now - before.session.startedAt < MAX_SESSION_AGE_MS) return before
  const { sentRows = 0, receivedBefore = 0, invalidEntries = 0, invalidSamples = [] } = before ?? {}
  return {
    sentRows,
    receivedBefore: receivedBefore + (before?.session.received ?? 0),
    invalidEntries,
    invalidSamples,
    session: {
      id: sessionId(start),
      startedAt: start.now,
      batches: 0,
      received: 0,
      total: start.rows - sentRows,
    },
  }
}

/** What Meta is to know of the next batch. */
export function nextBatch({ session }: UploadProgress, isLast: boolean): UploadSession {
  return { id: session.id, batch: session.batches + 1, isLast, total: session.total }
}

export function afterBatch(progress: UploadProgress, rows: number, receipt: UploadReceipt): UploadProgress {
  const { session } = progress
  return {
    ...progress,
    sentRows: progress.sentRows + rows,
    invalidEntries: progress.invalidEntries + receipt.invalidEntries,
    invalidSamples: [...progress.invalidSamples, ...receipt.invalidSamples].slice(0, MAX_SAMPLES),
    session: { ...session, batches: session.batches + 1, received: receipt.received },
  }
}

function sessionId({ idempotencyKey, now }: UploadStart): number {
  const hash = createHash('sha256').update(`${idempotencyKey} ${now}`).digest()
  return hash.readUIntBE(0, SESSION_ID_BYTES) + 1
}
