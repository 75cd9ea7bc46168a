import { v7, validate } from 'uuid'

declare const brand: unique symbol
/** A UUID of one kind of thing, made only by its parser or by `newId`. */
export type Id<Kind extends string> = string & { readonly [brand]: Kind }

export type OwnerId = Id<'owner'>
export type WorkflowId = Id<'workflow'>
export type WorkflowVersionId = Id<'workflowVersion'>
export type DefinitionId = Id<'definition'>
export type JobId = Id<'job'>
export type ExecutionId = Id<'execution'>
export type ScheduleId = Id<'schedule'>
export type WorkerId = Id<'worker'>

const RANDOM_BYTES = 16
/** The number of ids for which the system is asked for random bytes at once: the call costs more than the id. */
const IDS_PER_CALL = 256
const random = new Uint8Array(RANDOM_BYTES * IDS_PER_CALL)
let used = random.length
let msecs = 0
let seq = 0

/** A new time-ordered id (UUID version 7, RFC 9562). The ids that one process makes ascend. */
export function newId<T extends Id<string>>(): T {
  if (used === random.length) {
    crypto.getRandomValues(random)
    used = 0
  }
  const bytes = random.subarray(used, (used += RANDOM_BYTES))
  const now = Date.now()
  if (now > msecs) {
    msecs = now
    // Half of its range is left for the ids of this millisecond.
    seq = new DataView(bytes.buffer, bytes.byteOffset).getUint32(6) >>> 1
  } else if (++seq > 0xffff_ffff) {
    msecs++
    seq = 0
  }
  return v7({ random: bytes, msecs, seq }) as T
}

/** Reads an id that came from outside; null when it is not a UUID at all, so that callers answer "not found". */
export function parseId<T extends Id<string>>(text: string): T | null {
  return validate(text) ? (text.toLowerCase() as T) : null
}

/** An owner is named by whoever embeds Lume: any non-empty text up to 200 characters. */
/** The length of an owner's id, in UTF-16 code units. */
export const OWNER_MAX_LENGTH = 200

export function ownerId(text: string): OwnerId {
  if (text.length === 0 || text.length > OWNER_MAX_LENGTH)
    throw new TypeError(`an owner id has 1 to ${OWNER_MAX_LENGTH} characters`)
  return text as OwnerId
}
