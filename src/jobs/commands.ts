import { SIGNAL_SCHEMAS_MAX_BYTES, type ExecutionStore } from '../db/executions/index.ts'
import type { Wakeups } from '../db/index.ts'
import {
  MAX_UNUSED_SIGNAL_BYTES,
  MAX_UNUSED_SIGNALS,
  type CommandStore,
  type Refusal,
  type SendResult,
} from '../db/jobs/index.ts'
import { listProblems, problemsOf, type InputProblem } from '../engine/json-schema/index.ts'
import { directCheckers, type SchemaCheckers } from '../engine/validate/index.ts'
import type { JobId, OwnerId } from '../lib/index.ts'
import { inPieces } from '../lib/turns/index.ts'
import { isStorableText, plainJsonPieces, type Json, type JsonObject } from '../lib/json/index.ts'
import type { TreeCancel } from './worker/index.ts'

/** A message to a step that waits for it, or will. */
export interface JobSignal {
  /** The name that the step waits for. */
  readonly name: string
  /** Only for the step there; null: for whichever waits first. */
  readonly path?: string | null | undefined
  /** Plain JSON, at most 1 MiB. */
  readonly payload?: unknown
  /** The same key stands for one signal of the job, however often it is sent. */
  readonly idempotencyKey?: string | null | undefined
}

export type SignalResult =
  | { readonly kind: 'sent'; readonly deduplicated: boolean }
  /** The job has ended, is being canceled, was never started, or runs no definition. */
  | { readonly kind: 'refused'; readonly why: Refusal }
  /** Nothing has used the signals sent before, and they are too many or too long together; the message says how many may be. */
  | { readonly kind: 'full'; readonly message: string }
  /** `argument` cannot be used, or the payload does not fit the wait that is known. */
  | {
      readonly kind: 'invalid'
      readonly argument: 'name' | 'path' | 'payload' | 'idempotencyKey'
      readonly problems: readonly InputProblem[]
    }

/** What users ask of jobs that are under way: stored at once, obeyed by the job's holder (D8). */
export interface Commands {
  /** A cancel also reaches all descendants of the job. */
  send(job: CommandedJob, kind: 'CANCEL' | 'PAUSE' | 'RESUME'): Promise<SendResult>
  signal(job: CommandedJob, signal: JobSignal): Promise<SignalResult>
}

export interface CommandedJob {
  readonly id: JobId
  readonly ownerId: OwnerId
}

export interface CommandsOptions {
  readonly store: Pick<CommandStore, 'send'>
  readonly executions: Pick<ExecutionStore, 'signalSchemas'>
  readonly wakeups: Pick<Wakeups, 'command' | 'queued'>
  readonly cancelTree: TreeCancel
  /** Checks payloads against their schemas. */
  readonly schemas?: SchemaCheckers
}

const NAME_MAX_LENGTH = 200
const PATH_MAX_LENGTH = 2_000
const KEY_MAX_LENGTH = 255
/** D6. */
const PAYLOAD_MAX_BYTES = 1024 * 1024
/** Maximum time that the checks of one signal may take together, in milliseconds: 1,000 items of a loop may wait, each with a different schema. */
const MISFITS_MS = 1_000
const TOO_MANY_CHECKS: InputProblem = {
  pointer: '',
  message: `cannot be checked: to check it for all waits takes longer than ${MISFITS_MS} ms; give the path of one`,
}
const TOO_LONG_SCHEMAS: InputProblem = {
  pointer: '',
  message: `cannot be checked: the schemas of all waits have more than ${SIGNAL_SCHEMAS_MAX_BYTES} bytes together; give the path of one`,
}
const INBOX_FULL =
  `Signals that no step has used yet fill the inbox: ${MAX_UNUSED_SIGNALS} of them may lie there, ` +
  `with ${MAX_UNUSED_SIGNAL_BYTES} bytes together. Send no more until steps have waited for those.`

export function createCommands({
  store,
  executions,
  wakeups,
  cancelTree,
  schemas: checkers = directCheckers(),
}: CommandsOptions): Commands {
  return {
    async send({ id, ownerId }, kind) {
      const result = await store.send(ownerId, id, { kind })
      if (result.kind !== 'sent') return result
      hint({ id, ownerId })
      // From the commit of the first statement on no descendant starts another one.
      if (kind === 'CANCEL') await cancelTree({ ownerId, ids: [id], reach: 'below' })
      return result
    },
    async signal(job, { name, path = null, payload = null, idempotencyKey: key = null }) {
      const text = textProblem({ name, path, key })
      if (text) return text
      const plain = await inPieces(plainJsonPieces(payload, PAYLOAD_MAX_BYTES))
      if (!plain.ok) {
        const { pointer, reason } = plain.problem
        return invalid('payload', pointer, reason)
      }
      const misfits = await misfitsOf(job, { name, path, payload: plain.value })
      if (misfits.length > 0) return { kind: 'invalid', argument: 'payload', problems: misfits }

      const signal = { kind: 'SIGNAL', name, path, payload: plain.value, key } as const
      const result = await store.send(job.ownerId, job.id, signal)
      switch (result.kind) {
        case 'refused':
          return result
        case 'full':
          return { kind: 'full', message: INBOX_FULL }
        case 'sent':
          hint(job)
          return { kind: 'sent', deduplicated: false }
        case 'repeated':
          return { kind: 'sent', deduplicated: true }
      }
    },
  }

  /** Whoever holds the job reads its inbox; when nobody does, it may want a worker. */
  function hint({ id, ownerId }: CommandedJob): void {
    wakeups.command(id)
    wakeups.queued(ownerId)
  }

  /** What is wrong with a payload for the waits that are known; a wait that is not yet will say so itself. */
  async function misfitsOf(
    job: CommandedJob,
    { name, path, payload }: { name: string; path: string | null; payload: Json },
  ): Promise<readonly InputProblem[]> {
    const { texts, areAll } = await executions.signalSchemas(job, { name, path })
    const checker = checkers({ ownerId: job.ownerId, isRefusable: true })
    const problems: InputProblem[] = []
    let leftMs = MISFITS_MS
    for (const text of texts) {
      if (leftMs < 1) return [...listProblems(problems, asItIs), TOO_MANY_CHECKS]
      const { answer, spentMs } = await checker.check(JSON.parse(text) as JsonObject | boolean, payload)
      leftMs -= spentMs
      problems.push(...problemsOf(answer))
    }
    return [...listProblems(problems, asItIs), ...(areAll ? [] : [TOO_LONG_SCHEMAS])]
  }
}

function asItIs(problem: InputProblem): InputProblem {
  return problem
}

function textProblem({
  name,
  path,
  key,
}: {
  name: string
  path: string | null
  key: string | null
}): SignalResult | null {
  const fits = (text: string | null, maxLength: number) =>
    text === null || (text.length > 0 && text.length <= maxLength && isStorableText(text))
  if (!fits(name, NAME_MAX_LENGTH)) return invalid('name', '', `has 1 to ${NAME_MAX_LENGTH} characters`)
  if (!fits(path, PATH_MAX_LENGTH)) return invalid('path', '', `has 1 to ${PATH_MAX_LENGTH} characters`)
  if (!fits(key, KEY_MAX_LENGTH))
    return invalid('idempotencyKey', '', `has 1 to ${KEY_MAX_LENGTH} characters`)
  return null
}

function invalid(
  argument: Extract<SignalResult, { kind: 'invalid' }>['argument'],
  pointer: string,
  message: string,
): SignalResult {
  return { kind: 'invalid', argument, problems: [{ pointer, message }] }
}
