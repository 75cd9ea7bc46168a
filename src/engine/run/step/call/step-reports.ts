import {
  isJsonObject,
  toJsonText,
  toPlainJson,
  type Json,
  type JsonObject,
} from '../../../../lib/json/index.ts'
import { shorten } from '../../../../lib/text/index.ts'
import { BlockError, LOG_LEVELS, type BlockUsage, type LogLevel } from '../../../block/index.ts'
import { event, type AttemptUsage, type EventDraft } from '../../../record/index.ts'
import type { StepSite } from '../../context/index.ts'
import type { StepCheckpoints } from '../state/index.ts'
import type { AttemptReports } from './attempt-context.ts'
import { CheckpointGroups } from './checkpoint-groups.ts'

const MAX_MESSAGE_LENGTH = 4_000
/** The fields of one line, as JSON text. */
const MAX_FIELDS_LENGTH = 8_192
const MAX_LINES = 200
const PROGRESS_EVERY_MS = 1_000
/** Text that is handed out is told so often at most, unless so much of it has gathered. */
const STREAM_EVERY_MS = 250
const MAX_STREAM_LENGTH = 4_096
/** Maximum length of one checkpoint as JSON text, in characters. */
export const CHECKPOINT_MAX_LENGTH = 65_536
/** Maximum length of a checkpoint's key, in characters. */
export const CHECKPOINT_KEY_MAX_LENGTH = 200

export interface ReportedAttempt {
  readonly nodeId: string
  readonly attempt: number
  /** What the step's attempts have recorded. */
  readonly checkpoints: StepCheckpoints
  readonly onProgress: (fraction: number) => void
}

/** What one attempt of a step tells while it works: bounded, gathered, and recorded without holding the block up. */
export class StepReports implements AttemptReports {
  readonly #site: StepSite
  readonly #step: { readonly path: string; readonly nodeId: string; readonly attempt: number }
  readonly #checkpoints: StepCheckpoints
  readonly #checkpointGroups: CheckpointGroups
  readonly #onProgress: (fraction: number) => void
  #lines = 0
  #toldProgressAt = Number.NEGATIVE_INFINITY
  #toldMessage: string | null = null
  #streamed = ''
  #stopStream: (() => void) | null = null
  #usage: { costUsd: number; quantities: { [name: string]: number } } | null = null

  constructor(site: StepSite, { nodeId, attempt, checkpoints, onProgress }: ReportedAttempt) {
    this.#site = site
    this.#step = { path: site.path, nodeId, attempt }
    this.#checkpoints = checkpoints
    this.#checkpointGroups = new CheckpointGroups(site)
    this.#onProgress = onProgress
  }

  log(level: LogLevel, message: string, fields?: JsonObject): void {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.#site.run.ports.logLevel)) return
    this.#lines++
    if (this.#lines > MAX_LINES) return
    const body = { level, message: this.#shown(message), ...this.#shownFields(fields) }
    this.#tell(event('STEP_LOG', this.#now(), { ...this.#step, ...body }))
  }

  progress(fraction: number, message?: string): void {
    this.#onProgress(fraction)
    const told = message === undefined ? null : this.#shown(message)
    const now = this.#now()
    if (told === null || told === this.#toldMessage || now - this.#toldProgressAt < PROGRESS_EVERY_MS) return
    this.#toldProgressAt = now
    this.#toldMessage = told
    this.#tell(event('STEP_PROGRESS', now, { ...this.#step, fraction, message: told }))
  }

  stream(text: string): void {
    this.#streamed += textOf(text)
    if (this.#streamed.length >= MAX_STREAM_LENGTH) this.#flushStream({ isLast: false })
    else this.#stopStream ??= this.#after(() => this.#flushStream({ isLast: false }))
  }

  usage({ costUsd = 0, quantities = {} }: BlockUsage): void {
    const sum = (this.#usage ??= { costUsd: 0, quantities: {} })
    const isCount = (value: unknown): value is number =>
      typeof value === 'number' && Number.isFinite(value) && value >= 0
    for (const [name, count] of Object.entries(quantities)) {
      if (isCount(count)) sum.quantities[name] = (sum.quantities[name] ?? 0) + count
    }
    if (!isCount(costUsd) || costUsd === 0) return
    sum.costUsd += costUsd
    this.#site.run.spend(costUsd)
  }

  /** Throws at once where the checkpoint is refused. It makes no promise: a block may record tens of thousands without a pause. */
  checkpoint(key: string, value: Json): Promise<void> {
    const plain = toJsonText(value)
    if (typeof key !== 'string' || key.length === 0 || key.length > CHECKPOINT_KEY_MAX_LENGTH) {
      throw new BlockError(
        'CHECKPOINT_INVALID',
        `A checkpoint's key has 1 to ${CHECKPOINT_KEY_MAX_LENGTH} characters.`,
      )
    }
    if (!plain.ok) {
      const { pointer, reason } = plain.problem
      const message = `The checkpoint "${key}" is not plain JSON: the value at "${pointer}" ${reason}.`
      throw new BlockError('CHECKPOINT_INVALID', message)
    }
    if (plain.text.length > CHECKPOINT_MAX_LENGTH) {
      const message = `The checkpoint "${key}" has more than ${CHECKPOINT_MAX_LENGTH} characters of JSON.`
      throw new BlockError('CHECKPOINT_INVALID', message)
    }
    const text = this.#site.run.secrets.scrubber.json(plain.text)
    this.#checkpoints.requireRoom(key, text.length)
    this.#checkpoints.put(key, text)
    return this.#checkpointGroups.record(key, text)
  }

  /** The attempt is over: records what has gathered, and returns what the attempt cost. */
  close(): AttemptUsage | null {
    this.#checkpointGroups.commit()
    this.#flushStream({ isLast: true })
    if (this.#lines > MAX_LINES) {
      const message = `${this.#lines - MAX_LINES} more lines were left out.`
      this.#tell(event('STEP_LOG', this.#now(), { ...this.#step, level: 'warn', message }))
    }
    if (!this.#usage) return null
    const { costUsd, quantities } = this.#usage
    return {
      ...(costUsd > 0 ? { costUsd } : {}),
      ...(Object.keys(quantities).length > 0 ? { quantities } : {}),
    }
  }

  #flushStream({ isLast }: { readonly isLast: boolean }): void {
    this.#stopStream?.()
    this.#stopStream = null
    // A secret's value must not slip through in two pieces: what may be its beginning waits for the rest.
    const { scrubber } = this.#site.run.secrets
    const scrubbed = isLast ? scrubber.excerpt(this.#streamed) : scrubber.text(this.#streamed)
    const end = isLast ? scrubbed.length : scrubbed.length - scrubber.longest
    if (end <= 0) return void (this.#streamed = scrubbed)
    const text = scrubbed.slice(0, end).replaceAll('\u0000', '\uFFFD').toWellFormed()
    this.#streamed = scrubbed.slice(end)
    this.#tell(event('STEP_STREAM', this.#now(), { ...this.#step, text }))
  }

  /** Masked before it is cut (P7). */
  #shown(message: unknown): string {
    return shorten(this.#site.run.secrets.scrubber.excerpt(textOf(message)), MAX_MESSAGE_LENGTH)
  }

  #shownFields(fields: unknown): { fields?: Json } {
    const read = readFields(fields)
    return read.fields === undefined ? {} : { fields: this.#site.run.secrets.scrubber.excerpts(read.fields) }
  }

  #after(callback: () => void): () => void {
    return this.#site.run.ports.clock.after(STREAM_EVERY_MS, callback)
  }

  #tell(draft: EventDraft): void {
    if (!this.#site.run.stopped) this.#site.run.announce({ events: [draft] })
  }

  #now(): number {
    return this.#site.run.ports.clock.now()
  }
}

/** A block's author may have written JavaScript: nothing is sure of what is handed over. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? typeof value)
}

function readFields(fields: unknown): { fields?: Json } {
  if (fields === undefined) return {}
  const plain = toPlainJson(fields)
  if (!plain.ok) return { fields: { unreadable: `"${plain.problem.pointer}" ${plain.problem.reason}` } }
  if (plain.text.length > MAX_FIELDS_LENGTH) return { fields: { truncated: true, length: plain.text.length } }
  return { fields: isJsonObject(plain.value) ? plain.value : { value: plain.value } }
}
