import type { Wakeups } from '../../db/index.ts'
import type { JobStore, NewJob, Occurrence } from '../../db/jobs/index.ts'
import { TransientRetry } from '../../db/outage/index.ts'
import type {
  DefinitionChoice,
  DefinitionStore,
  QuotaRefusal,
  StoredDefinition,
} from '../../db/stores/index.ts'
import type { ExecutionMode } from '../../engine/block/index.ts'
import { NO_GRAPH, type Diagnostic, type Plan } from '../../engine/definition/index.ts'
import type { Original, OriginalRecord } from '../../engine/fork/index.ts'
import { findInputProblems, type InputProblem } from '../../engine/json-schema/index.ts'
import { NO_MOCKS, readMocks, type Mocks, type ReadMocks } from '../../engine/mocks/index.ts'
import { event, type EventDraft, type JobType } from '../../engine/record/index.ts'
import { NEW_RUN } from '../../engine/run/index.ts'
import {
  directCheckers,
  withMissingSecrets,
  type Asker,
  type DefinitionReader,
  type PlanCache,
  type ReadDefinition,
  type SchemaCheckers,
  type SecretNames,
} from '../../engine/validate/index.ts'
import { inPieces, withPauses, type Awaitable, type Pieces } from '../../lib/turns/index.ts'
import { newId, type JobId, type OwnerId, type WorkflowId, type WorkflowVersionId } from '../../lib/index.ts'
import {
  canonicalHashPieces,
  deepFreeze,
  deepFreezePieces,
  isJsonObject,
  isStorableText,
  plainJsonPieces,
  type Json,
  type JsonObject,
} from '../../lib/json/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import { readOriginal, type Processor, type Reservation, type Retry } from '../worker/index.ts'
import { insertOnce } from './insert-once.ts'
import type { KnownVersion } from './published-versions.ts'
import type { Quotas } from './quotas.ts'

/** A request to run a definition. */
export interface StartRequest {
  readonly ownerId: OwnerId
  readonly type: JobType
  readonly definition: unknown
  /**
   * In place of `definition`: what memory knows as the workflow's published version. The start throws `NotPublishedError`
   * and stores nothing unless that is the published version still.
   */
  readonly known?: KnownVersion | null
  /** The workflow that the definition is stored under, if it is. */
  readonly workflowId: WorkflowId | null
  /** The version of the workflow that the definition is; null when it is the draft. */
  readonly versionId?: WorkflowVersionId | null
  /** What was asked for, of which the definition came: the same request may find a newer version. */
  readonly choice?: DefinitionChoice | null
  /** What the starter calls an inline definition. */
  readonly label?: string | null
  readonly input: unknown
  /** An object, on top of the definition's defaults. */
  readonly variables?: unknown
  readonly mode: ExecutionMode
  /** Test mode only: what comes of its calls, by node id or step path. */
  readonly mocks?: unknown
  /** An object. */
  readonly metadata?: unknown
  /** Free words to find it by; a tag given twice counts once. */
  readonly tags?: readonly string[]
  /** Among the jobs that want a worker: -100 to 100, the higher the sooner; default 0. */
  readonly priority?: number
  /** The instant before which no worker takes it up, in milliseconds since the epoch; null: at once. */
  readonly runAt?: number | null
  readonly idempotencyKey?: string | null
  /** The job whose step starts this one. */
  readonly parent?: NewJob['parent']
  /** The occurrence of a schedule that this is the start of; goes without an idempotency key, for it is one. */
  readonly occurrence?: Occurrence | null
  /** What it retries; part of what makes two requests the same, with the version as it was asked for. */
  readonly retry?: (Retry & { readonly version: string; readonly original: OriginalRecord }) | null
  /** `queue`: run it. `create`: store it; it is started later by `startJob`. */
  readonly intent: 'queue' | 'create'
}

export type StartResult =
  | {
      readonly kind: 'started'
      readonly jobId: JobId
      readonly deduplicated: boolean
      /** The job as it was stored; null when an earlier start has stored it. */
      readonly stored: NewJob | null
      /** What the definition's reader says of it now: warnings. */
      readonly diagnostics: readonly Diagnostic[]
    }
  | { readonly kind: 'unsound'; readonly diagnostics: readonly Diagnostic[] }
  /** `argument` says which part of the request the problems point into. */
  | {
      readonly kind: 'invalidInput'
      readonly argument: StartArgument
      readonly problems: readonly InputProblem[]
    }
  /** The key was used for another request less than 30 days ago. */
  | { readonly kind: 'idempotencyConflict'; readonly jobId: JobId }
  /** The owner has as many open executions, or stores as many bytes, as the quotas allow. */
  | QuotaRefusal

export type StartArgument =
  | 'input'
  | 'variables'
  | 'mocks'
  | 'metadata'
  | 'tags'
  | 'priority'
  | 'idempotencyKey'

export interface StartExecutionOptions {
  readonly jobs: JobStore
  readonly definitions: DefinitionStore
  readonly plans: PlanCache
  /** Returns the errors that prevent a start, and its warnings. */
  readonly reader: DefinitionReader
  /** The names of the secrets that an owner has set; default: they are not known. */
  readonly secretNames?: (ownerId: OwnerId) => Promise<SecretNames>
  /** Checks inputs against their schemas. */
  readonly schemas?: SchemaCheckers
  readonly wakeups: Wakeups
  /** Receives each job that was stored, as it was stored. */
  readonly onStored?: (job: NewJob, events: readonly EventDraft[]) => void
  readonly clock: Clock
  /** Repeats the statement that stores the job. Default: one that no other part of the process shares. */
  readonly retry?: Pick<TransientRetry, 'run'>
  readonly quotas: Pick<Quotas, 'takeStart'>
  /** Null in a process that runs no jobs. */
  readonly processor: Processor | null
}

export type StartExecution = (request: StartRequest) => Promise<StartResult>

const IDEMPOTENCY_MS = 30 * 86_400_000
/** D6. */
const INPUT_MAX_BYTES = 1024 * 1024
const KEY_MAX_LENGTH = 255
/** Maximum number of tags of one execution. */
export const TAGS_MAX = 50
const TAG_MAX_LENGTH = 100
const PRIORITY_MAX = 100

/** What of a start is checked before it, and without its definition. */
export type FreeValues = Pick<
  StartRequest,
  'input' | 'variables' | 'mocks' | 'metadata' | 'tags' | 'priority' | 'idempotencyKey'
>

/**
 * Accepts a start: checks the definition and the input, stores job, execution and first event in one statement, and, when
 * this process has room, takes the job in the same statement (D7). Once it resolves with `started` the start is safe
 * from any crash (P1). Throws `OccurrenceTakenError` where the occurrence that it is for must not start (P6),
 * `NotPublishedError` where `known` is not the published version, and the error of the database where that fails (see `insertOnce`).
 */
export function createStartExecution(options: StartExecutionOptions): StartExecution {
  const { jobs, plans, reader, quotas, clock, schemas = directCheckers() } = options
  const { retry = new TransientRetry({ clock, random: Math.random }) } = options
  return async (request) => {
    const { ownerId } = request
    // No client could send again what a run or a schedule starts.
    const asker = { ownerId, isRefusable: request.parent == null && request.occurrence == null }
    // What is there at once costs no promise: a start of a known version waits for its statement alone.
    const definition = read(request, asker)
    const { document, plan, diagnostics } = definition instanceof Promise ? await definition : definition
    const needsPlan = request.intent === 'queue' || request.type === 'WORKFLOW'
    if (!(document ?? request.known) || (needsPlan && !plan)) return { kind: 'unsound', diagnostics }
    const readings = readValues(request)
    const { values, invalid, bytes } = readings instanceof Promise ? await readings : readings
    if (invalid) return { kind: 'invalidInput', ...invalid }
    const found = findInputProblems(schemas(asker), plan?.inputSchema ?? null, values.input)
    const misfits = found instanceof Promise ? await found : found
    if (misfits.length > 0) return { kind: 'invalidInput', argument: 'input', problems: misfits }
    const readingMocks = readStartMocks(request, values, plan)
    const mocks = readingMocks instanceof Promise ? await readingMocks : readingMocks
    if (mocks.kind === 'invalid') return { kind: 'invalidInput', argument: 'mocks', problems: mocks.problems }

    const { retry: retried } = request
    const original =
      retried && plan && document
        ? await readOriginal(retried.original, {
            plans,
            asker,
            retry: retried,
            runs: { plan, definition: document },
          })
        : null
    const taking = quotas.takeStart(request.ownerId, bytes)
    const room = taking instanceof Promise ? await taking : taking
    if (room.kind === 'quotaExceeded' && !(await isRepeated(jobs, request))) return room
    let isStored = false
    try {
      const result = await store({ request, document, values, bytes, mocks: mocks.mocks, plan, original })
      isStored = result.kind === 'started' && !result.deduplicated
      return result.kind === 'started' ? { ...result, diagnostics } : result
    } finally {
      if (room.kind === 'taken') room.settle(isStored)
    }
  }

  /** The validation of what the request names; `document` is null where memory knows it, and where it is no document. */
  function read({ ownerId, definition, known }: StartRequest, asker: Asker): Awaitable<ReadDefinition> {
    if (!known) return reader(ownerId, asker)(definition)
    const { validation } = known
    const names = validation.secretUses.length > 0 ? options.secretNames?.(ownerId) : null
    const read = (set: SecretNames | null | undefined) => ({
      document: null,
      ...withMissingSecrets(validation, set),
    })
    return names ? names.then(read) : read(names)
  }

  function rowOf({ request, document }: CheckedStart): Awaitable<StoredDefinition> {
    if (request.known) return request.known.definition
    if (!document) throw new Error('a start has no definition')
    const { hash } = document
    return options.definitions.ensure(request.ownerId, document).then((id) => ({ id, hash }))
  }

  async function store(start: CheckedStart): Promise<Stored> {
    const { request, values, bytes, mocks, plan, original } = start
    const { wakeups, processor } = options
    const at = clock.now()
    const row = rowOf(start)
    const definition = row instanceof Promise ? await row : row
    const isDue = request.runAt == null || request.runAt <= at
    const reservation =
      request.intent === 'queue' && isDue ? (processor?.reserve(request.ownerId, bytes) ?? null) : null
    try {
      const hash = hashOf(start, definition.hash)
      const requestHash = hash instanceof Promise ? await hash : hash
      const job = newJob({
        request,
        values,
        mocks,
        plan,
        at,
        definition,
        reservation,
        requestHash,
      })
      const queued = event('JOB_QUEUED', at, {})
      const inserted = await insertOnce({ jobs, retry }, job)
      if (inserted.kind === 'taken') {
        const isSame = inserted.requestHash === job.idempotency?.requestHash
        return isSame
          ? { kind: 'started', jobId: inserted.jobId, deduplicated: true, stored: null }
          : { kind: 'idempotencyConflict', jobId: inserted.jobId }
      }
      if (inserted.isOfNow) options.onStored?.(job, job.status === 'QUEUED' ? [queued] : [])
      // A list that is watched shows it before a worker takes it up.
      wakeups.committed([job.id])
      if (reservation && plan) runAtOnce(reservation, { job, plan, original })
      else if (request.intent === 'queue' && isDue) wakeups.queued(request.ownerId)
      return { kind: 'started', jobId: job.id, deduplicated: false, stored: job }
    } finally {
      reservation?.giveBack()
    }
  }
}

/** A start that nothing stands against. */
interface CheckedStart {
  readonly request: StartRequest
  /** Null where memory knows the definition. */
  readonly document: ReadDefinition['document']
  readonly values: StartValues
  /** The length of the values as JSON text. */
  readonly bytes: number
  readonly mocks: Mocks | null
  readonly plan: Plan | null
  readonly original: Original | null
}

type Stored =
  | Omit<Extract<StartResult, { kind: 'started' }>, 'diagnostics'>
  | Extract<StartResult, { kind: 'idempotencyConflict' }>

/** The start's key belongs to a job already, so this start stores none. */
async function isRepeated(
  jobs: Pick<JobStore, 'hasKey'>,
  { ownerId, idempotencyKey }: StartRequest,
): Promise<boolean> {
  return idempotencyKey != null && jobs.hasKey(ownerId, idempotencyKey)
}

function newJob(start: {
  request: StartRequest
  values: StartValues
  mocks: Mocks | null
  plan: Plan | null
  at: number
  definition: StoredDefinition
  reservation: Reservation | null
  requestHash: string | null
}): NewJob {
  const { request, values, mocks, plan, at, definition, reservation, requestHash } = start
  const isQueued = request.intent === 'queue'
  const key = request.idempotencyKey ?? null
  return {
    id: newId(),
    ownerId: request.ownerId,
    type: request.type,
    status: isQueued ? 'QUEUED' : 'CREATED',
    handler: 'engine',
    definitionId: definition.id,
    workflowId: request.workflowId,
    versionId: request.versionId ?? null,
    label: request.label ?? null,
    tags: tagsOf(request),
    runAt: request.runAt ?? null,
    mode: request.mode,
    metadata: values.metadata,
    input: values.input,
    variables: deepFreeze({ ...plan?.variables, ...values.variables }),
    mocks,
    totalNodes: plan?.graph.nodes.length ?? 1,
    priority: request.priority ?? 0,
    at,
    wakeAt: isQueued ? Math.max(at, request.runAt ?? at) : null,
    idempotency:
      key === null || requestHash === null ? null : { key, requestHash, expiresAt: at + IDEMPOTENCY_MS },
    lease: reservation?.lease ?? null,
    parent: request.parent ?? null,
    retry: request.retry ? storedRetry(request.retry) : null,
    occurrence: request.occurrence ?? null,
    onlyIfPublished: request.known != null,
  }
}

/** What makes two starts the same: everything that was asked for but the key (D9). Null for a start without a key. */
function hashOf(
  start: Pick<CheckedStart, 'request' | 'values'>,
  definitionHash: string,
): Awaitable<string | null> {
  if (start.request.idempotencyKey == null) return null
  const { type, workflowId, label = null, mode, priority = 0, runAt = null, retry } = start.request
  const definition = workflowId === null ? definitionHash : null
  const { version = null, draft = false } = start.request.choice ?? {}
  const source = { workflowId, definition, version, draft }
  const again: JsonObject = retry ? { retry: { ...storedRetry(retry), version: retry.version } } : {}
  const { mocks, ...values } = start.values
  const asked = {
    type,
    ...source,
    label,
    mode,
    tags: tagsOf(start.request),
    priority,
    runAt,
    ...again,
    ...values,
    ...(mocks === null ? {} : { mocks }),
  }
  return inPieces(canonicalHashPieces(asked))
}

function tagsOf({ tags = [] }: Pick<StartRequest, 'tags'>): readonly string[] {
  return [...new Set(tags)].toSorted()
}

function storedRetry({ of, from, patched }: Retry): Retry {
  return { of, from, patched }
}

/** The free values of a request, as they will be read back from the tables. */
export interface StartValues {
  readonly input: Json
  readonly variables: JsonObject
  /** Null where none were given. */
  readonly mocks: JsonObject | null
  readonly metadata: JsonObject
}

export interface InvalidArgument {
  readonly argument: StartArgument
  readonly problems: readonly InputProblem[]
}

/** The values of a start, or why the first that cannot be stored is refused. */
export interface ReadValues {
  readonly values: StartValues
  readonly invalid: InvalidArgument | null
  /** The bytes of the values as JSON text. */
  readonly bytes: number
}

/** The values as they will be stored. Large values are read in pieces, between which other work gets the thread. */
export function readValues(request: FreeValues): Awaitable<ReadValues> {
  return inPieces(valuesPieces(request))
}

function* valuesPieces(request: FreeValues): Pieces<ReadValues> {
  let invalid: InvalidArgument | null = null
  let bytes = 0
  const refuse = (argument: StartArgument, message: string, pointer = '') => {
    invalid ??= { argument, problems: [{ pointer, message: `${argument} ${message}` }] }
  }
  function* read(argument: StartArgument, value: unknown): Pieces<Json> {
    const plain = yield* plainJsonPieces(value, INPUT_MAX_BYTES)
    if (!plain.ok) {
      refuse(argument, plain.problem.reason, plain.problem.pointer)
      return null
    }
    bytes += Buffer.byteLength(plain.text)
    yield
    return yield* deepFreezePieces(plain.value)
  }
  function* readObject(argument: StartArgument, value: unknown): Pieces<JsonObject> {
    const json = yield* read(argument, value ?? {})
    if (isJsonObject(json)) return json
    refuse(argument, 'must be an object')
    return {}
  }
  const values = {
    input: yield* read('input', request.input),
    variables: yield* readObject('variables', request.variables),
    mocks: request.mocks == null ? null : yield* readObject('mocks', request.mocks),
    metadata: yield* readObject('metadata', request.metadata),
  }
  const key = request.idempotencyKey
  if (key != null && (key.length === 0 || key.length > KEY_MAX_LENGTH || !isStorableText(key))) {
    refuse('idempotencyKey', `has 1 to ${KEY_MAX_LENGTH} characters, without NUL`)
  }
  const tags = tagsOf(request)
  const isTag = (tag: string) => tag.length > 0 && tag.length <= TAG_MAX_LENGTH && isStorableText(tag)
  if (tags.length > TAGS_MAX || !tags.every(isTag)) {
    refuse('tags', `are at most ${TAGS_MAX}, each of 1 to ${TAG_MAX_LENGTH} characters`)
  }
  const { priority = 0 } = request
  if (!Number.isInteger(priority) || Math.abs(priority) > PRIORITY_MAX) {
    refuse('priority', `is a whole number from -${PRIORITY_MAX} to ${PRIORITY_MAX}`)
  }
  return { values, invalid, bytes }
}

/** Test mode runs on the mocks that were given, none at all included; the other modes have no use for any. */
function readStartMocks(
  { mode }: StartRequest,
  { mocks }: StartValues,
  plan: Plan | null,
): Awaitable<
  { readonly kind: 'ok'; readonly mocks: Mocks | null } | Extract<ReadMocks, { kind: 'invalid' }>
> {
  if (mocks === null) return { kind: 'ok', mocks: mode === 'test' ? NO_MOCKS : null }
  if (mode !== 'test')
    return { kind: 'invalid', problems: [{ pointer: '', message: 'mocks go with the mode TEST' }] }
  return withPauses(readMocks(mocks, plan?.graph ?? NO_GRAPH))
}

function runAtOnce(
  reservation: Reservation,
  { job, plan, original }: { job: NewJob; plan: Plan; original: Original | null },
): void {
  const claim = { jobId: job.id, ownerId: job.ownerId, fence: 1n, lastSeq: 1, entryNo: 0, commandsSeen: 0 }
  const request = {
    ...NEW_RUN,
    executionId: job.id,
    plan,
    input: job.input,
    variables: job.variables,
    mode: job.mode,
    original,
  }
  reservation.run(claim, request, job)
}
