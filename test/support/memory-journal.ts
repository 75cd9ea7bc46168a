import {
  eventBodySchemas,
  type EventDraft,
  type EventKind,
  type JobEvent,
} from '../../src/engine/record/event.ts'
import { JOB_STATUSES, isTerminal, type JobStatus } from '../../src/engine/record/job.ts'
import {
  EntryRefusedError,
  FenceLostError,
  ParkRefusedError,
  type EndedLoopItem,
  type JobEnd,
  type JournalEntry,
  type LoopItemRecord,
  type OnDecided,
  type RecordedState,
  type RecordedStep,
  type RunJournal,
  type StepRecord,
} from '../../src/engine/record/journal.ts'
import { knownSignalWait, STEP_STATUSES, type StepStatus } from '../../src/engine/record/step.ts'
import type { Json } from '../../src/lib/json/json.ts'
import type { Gate } from './manual-clock.ts'

/** The worker is gone in the middle of a run: what it had not committed never happened. */
export class Crash extends Error {
  override readonly name = 'Crash'
}

/** What a job's row shows. */
export interface MemoryJob {
  status: JobStatus
  progress: number
  currentStep: string | null
  completedNodes: number
  costUsd: number
  startedAt: number | null
  finishedAt: number | null
  wakeAt: number | null
  isHeld: boolean
  end: JobEnd | null
}

const ENDED = ['COMPLETED', 'FAILED', 'SKIPPED', 'CANCELED'] as const satisfies StepStatus[]

/**
 * One execution's tables in memory. Like the journal in front of Postgres it commits in groups (whatever was appended
 * while the last group was under way), refuses whoever does not hold the job, and knows the tables' constraints; beyond
 * those it states the engine's own promises. Whatever breaks one is kept in `violations` and fails the run.
 */
export class MemoryJournal {
  readonly events: JobEvent[] = []
  readonly steps = new Map<string, StepRecord>()
  readonly values = new Map<string, { readonly config: string; readonly output: string | null }>()
  readonly items = new Map<string, Map<number, LoopItemRecord>>()
  /** By step path and key, as JSON text. */
  readonly checkpoints = new Map<string, Map<string, string>>()
  /** The numbers of used signals, and by which step. */
  readonly usedSignals = new Map<number, string | null>()
  readonly job: MemoryJob = {
    status: 'QUEUED',
    progress: 0,
    currentStep: null,
    completedNodes: 0,
    costUsd: 0,
    startedAt: null,
    finishedAt: null,
    wakeAt: null,
    isHeld: false,
    end: null,
  }
  /** Every committed entry, in order. */
  readonly entries: JournalEntry[] = []
  readonly violations: string[] = []
  /** How many groups were committed. */
  commits = 0
  /** Commits wait for it. */
  gate: Pick<Gate, 'pass'> | null = null
  /** Another execution's commit is under way until it opens: whatever is appended meanwhile is one group. */
  busy: Gate | null = null
  /** What is noted waits for a caller that awaits a commit; no time makes it due. */
  delaysNotes = false
  /** Entries from this number on (from 0) are never committed: the worker dies. */
  crashAt = Number.POSITIVE_INFINITY
  /** Says which entries the database refuses for what they hold. */
  refuses: (entry: JournalEntry) => boolean = () => false
  /** A command is in the inbox that the holder has not read: no park is granted. */
  hasUnreadCommand = false
  /** The paths that each call of `outputs` asked for, in order. */
  readonly outputReads: string[][] = []
  /** The paths that `checkpoints` was asked for, in order. */
  readonly checkpointReads: string[] = []
  /** How often `loopItems` was asked. */
  loopReads = 0
  /** The payloads of the signals in the inbox, as JSON text, by number. */
  readonly payloads = new Map<number, string>()
  /** The numbers of the signals whose payloads were read. */
  readonly payloadReads: number[] = []
  /** The executions before this one, whose outputs it may point to, by id. */
  readonly #elsewhere: ReadonlyMap<string, MemoryJournal>
  #fence = 0

  constructor(elsewhere: ReadonlyMap<string, MemoryJournal> = new Map()) {
    this.#elsewhere = elsewhere
  }

  /** Takes the job up: whoever held it before has lost it. */
  open(): RunJournal {
    const fence = ++this.#fence
    Object.assign(this.job, { isHeld: true, wakeAt: null })
    let pending: Pending[] = []
    let flushing: Promise<void> | null = null
    const flushAll = async () => {
      await Promise.resolve()
      while (pending.length > 0) {
        await this.busy?.pass()
        const group = pending
        pending = []
        await this.gate?.pass()
        const fault = this.#commit(group, fence)
        // Like the journal in front of Postgres: what was recorded behind a failed entry fails, too.
        if (fault instanceof EntryRefusedError) refusal = fault
        if (fault && !(fault instanceof ParkRefusedError))
          for (const { onDecided } of pending.splice(0)) onDecided(fault)
      }
      flushing = null
    }
    let refusal: EntryRefusedError | null = null
    const enqueue = (entry: JournalEntry, onDecided: OnDecided) => {
      const refused = refusal
      if (refused && !entry.job.end) return queueMicrotask(() => onDecided(refused))
      // What is recorded is what stood in the entry when it was appended.
      pending.push({ entry: structuredClone(entry), onDecided })
    }
    const hasten = () => {
      if (pending.length > 0) flushing ??= flushAll()
    }
    return {
      append: (entry) =>
        new Promise((resolve, reject) => {
          enqueue(entry, (refused) => (refused === null ? resolve() : reject(refused)))
          hasten()
        }),
      note: (entry, onDecided) => {
        enqueue(entry, onDecided)
        if (!this.delaysNotes) hasten()
      },
      hasten,
      loopItems: (path) => {
        this.loopReads++
        return Promise.resolve(this.#loopItems(path))
      },
      loopItemsBytes: (path) => {
        const lengths = this.#loopItems(path).map(
          ({ output, error }) => JSON.stringify([output, error]).length,
        )
        return Promise.resolve(lengths.reduce((sum, length) => sum + length, 0))
      },
      outputs: (paths) => {
        this.outputReads.push([...paths])
        const found = paths.flatMap((path) => {
          const output = this.output(path)
          return output === undefined ? [] : [[path, JSON.stringify(output)] as const]
        })
        return Promise.resolve(new Map(found))
      },
      checkpointsSize: (path) => {
        const texts = [...(this.checkpoints.get(path) ?? [])]
        const bytes = texts.reduce((sum, [key, text]) => sum + key.length + text.length, 0)
        return Promise.resolve({ count: texts.length, bytes })
      },
      checkpoints: (path) => {
        this.checkpointReads.push(path)
        return Promise.resolve(new Map(this.checkpoints.get(path)))
      },
      signal: (number, path) => {
        this.payloadReads.push(number)
        const wait = this.steps.get(path)?.wait
        const schema = JSON.stringify(wait?.kind === 'signal' ? wait.schema : null)
        return Promise.resolve({ payload: this.payloads.get(number) ?? 'null', schema })
      },
    }
  }

  /** Another worker takes the job over. */
  loseFence(): void {
    this.#fence++
  }

  /** What the next worker loads: no outputs of ended items, and nothing of the steps inside them. */
  recorded(): RecordedState {
    const steps = [...this.steps.values()].filter(({ path }) => !this.#isInsideEnded(path))
    return {
      steps: new Map(steps.map((step) => [step.path, this.#recordedStep(step)])),
      items: new Map(
        [...this.items].map(([path, items]) => [
          path,
          new Map([...items].map(([i, { status }]) => [i, status])),
        ]),
      ),
    }
  }

  kinds(): EventKind[] {
    return this.events.map(({ kind }) => kind)
  }

  eventsOf<Kind extends EventKind>(kind: Kind): Extract<JobEvent, { kind: Kind }>[] {
    return this.events.filter((event): event is Extract<JobEvent, { kind: Kind }> => event.kind === kind)
  }

  /** A step's output, recorded here or where its record points to. */
  output(path: string): Json | undefined {
    const reusedFrom = this.steps.get(path)?.reusedFrom
    if (reusedFrom != null) return this.#holder(reusedFrom).output(path)
    const text = this.values.get(path)?.output
    return text == null ? undefined : (JSON.parse(text) as Json)
  }

  statuses(): Record<string, StepStatus> {
    return Object.fromEntries([...this.steps.values()].map(({ path, status }) => [path, status]))
  }

  #commit(group: Pending[], fence: number): Error | null {
    for (let taken = 0; taken < group.length; taken++) {
      const rest = group.slice(taken)
      const fault = this.#faultOf(rest, fence)
      // A crash may come between any two flushes, so also in the middle of what would have been one group. Of a group that holds
      // a guilty entry, those before it are committed.
      const guilty = rest.findIndex(({ entry }) => this.refuses(entry))
      const isWhole = guilty < 0 && this.crashAt - this.entries.length >= rest.length
      const count = fault || isWhole ? rest.length : 1
      if (fault) {
        for (const { onDecided } of rest) onDecided(fault)
        return fault
      }
      this.commits++
      for (const { entry, onDecided } of rest.slice(0, count)) {
        try {
          this.#apply(entry)
          onDecided(null)
        } catch (violation) {
          this.violations.push((violation as Error).message)
          onDecided(violation)
        }
      }
      taken += count - 1
    }
    return null
  }

  #faultOf(group: readonly Pending[], fence: number): Error | null {
    if (this.entries.length >= this.crashAt) return new Crash('the worker is gone')
    if (fence !== this.#fence) return new FenceLostError('another worker holds the job')
    if (group[0] && this.refuses(group[0].entry))
      return new EntryRefusedError('the database refuses the record')
    if (this.hasUnreadCommand && group.some(({ entry }) => entry.job.park))
      return new ParkRefusedError('a command has not been read yet')
    return null
  }

  #apply(entry: JournalEntry): void {
    demand(this.job.finishedAt === null, `something is recorded after the end: ${JSON.stringify(entry)}`)
    for (const draft of entry.events) this.#addEvent(draft, entry.job.progress)
    for (const step of entry.steps ?? []) this.#putStep(step)
    for (const { path, config, output } of entry.values ?? []) {
      demand(this.steps.has(path), `values are recorded for a step that is not: ${path}`)
      for (const text of [config, output]) if (text !== null) JSON.parse(text)
      this.values.set(path, { config, output })
    }
    for (const item of entry.items ?? []) this.#addItem(item)
    for (const { path, key, value } of entry.checkpoints ?? []) {
      JSON.parse(value)
      this.checkpoints.set(path, (this.checkpoints.get(path) ?? new Map<string, string>()).set(key, value))
    }
    for (const { number, path } of entry.signals ?? []) {
      demand(!this.usedSignals.has(number), `signal ${number} is used twice`)
      this.usedSignals.set(number, path)
    }
    this.#changeJob(entry)
    this.entries.push(entry)
  }

  #addEvent({ kind, at, body }: EventDraft, progress: number): void {
    const seq = this.events.length + 1
    demandInstant(at, `event ${seq}`)
    demand(progress >= (this.events.at(-1)?.progress ?? 0), `progress falls at event ${seq} to ${progress}`)
    demand(progress >= 0 && progress <= 100, `progress is ${progress} at event ${seq}`)
    const parsed = eventBodySchemas[kind].parse(body)
    demand(
      Object.keys(body).every((key) => key in parsed),
      `event ${seq} holds more than its kind: ${kind}`,
    )
    this.events.push({ seq, at: new Date(at), kind, progress, body: parsed } as JobEvent)
  }

  #putStep(step: StepRecord): void {
    const { path, status, dueAt, finishedAt, startedAt, attempt, order } = step
    const before = this.steps.get(path)
    demand(STEP_STATUSES.includes(status), `${path} has the status ${status}`)
    demand(attempt >= 0 && attempt >= (before?.attempt ?? 0), `${path} has the attempt ${attempt}`)
    demand(
      dueAt === null || status === 'WAITING' || status === 'RETRYING',
      `${path} is due although ${status}`,
    )
    demand(
      step.reusedFrom === null || (status === 'COMPLETED' && this.#holder(step.reusedFrom).ownsOutput(path)),
      `${path} is ${status} and points to what ${step.reusedFrom} does not hold`,
    )
    demand(step.wait === null || status === 'WAITING', `${path} waits although ${status}`)
    demand((finishedAt !== null) === isEnded(status), `${path} is ${status} and finished at ${finishedAt}`)
    demand(!before || !isEnded(before.status), `${path} ended ${before?.status} and then is ${status}`)
    demand(!before || before.order.join() === order.join(), `${path} moves to ${order.join()}`)
    demand(order.length > 0, `${path} has no place`)
    demand(status !== 'FAILED' || step.error !== null, `${path} failed without an error`)
    for (const instant of [dueAt, finishedAt, startedAt]) if (instant !== null) demandInstant(instant, path)
    demand(isPlain(step.attempts) && isPlain(step.error), `${path} holds what JSON cannot carry`)
    this.steps.set(path, step)
  }

  #addItem(item: LoopItemRecord): void {
    const { path, index, status, output, error, reusedFrom } = item
    const items = this.items.get(path) ?? new Map<number, LoopItemRecord>()
    demand(!items.has(index), `item ${path}[${index}] ends twice`)
    demand(Number.isInteger(index) && index >= 0, `item ${path}[${index}] has no index`)
    demand(
      (error !== null) === (status === 'FAILED'),
      `item ${path}[${index}] is ${status} and has another error`,
    )
    demand(
      reusedFrom === null || this.#holder(reusedFrom).items.get(path)?.get(index)?.reusedFrom === null,
      `item ${path}[${index}] points to what ${reusedFrom} does not hold`,
    )
    if (output !== null) JSON.parse(output)
    this.items.set(path, items.set(index, item))
  }

  #changeJob({ job: change, steps = [], items = [] }: JournalEntry): void {
    const { job } = this
    const { end, park } = change
    const isEnd = (status: StepStatus) => status === 'COMPLETED' || status === 'FAILED'
    demand(
      change.endsStep === true || (items.length === 0 && !steps.some(({ status }) => isEnd(status))),
      `a step's end is not told: ${JSON.stringify(steps)}`,
    )
    demand(!change.status || JOB_STATUSES.includes(change.status), `the job's status is ${change.status}`)
    demand(
      !change.status || !isTerminal(change.status),
      `${change.status} is no status of a job that goes on`,
    )
    demand(change.progress < 100 || end?.status === 'COMPLETED', `the job is at ${change.progress} %`)
    demand(
      job.status !== 'CANCELING' || !change.status || change.status === 'CANCELING',
      `a job that is canceled is ${change.status}`,
    )
    const completedNodes = change.completedNodes ?? job.completedNodes
    demand(completedNodes >= job.completedNodes, `completed nodes fall to ${completedNodes}`)
    if (end?.status === 'COMPLETED') JSON.parse(end.output)
    if (end) demandInstant(end.at, 'the end')
    if (park?.wakeAt != null) demandInstant(park.wakeAt, 'the park')
    Object.assign(job, {
      status: end?.status ?? change.status ?? job.status,
      progress: Math.max(job.progress, change.progress),
      currentStep: change.currentStep ?? null,
      completedNodes,
      costUsd: Math.max(job.costUsd, change.costUsd ?? 0),
      startedAt: job.startedAt ?? change.startedAt ?? null,
      finishedAt: end?.at ?? null,
      wakeAt: park ? park.wakeAt : null,
      isHeld: job.isHeld && !park && !end,
      end: end ?? null,
    })
  }

  #recordedStep(step: StepRecord): RecordedStep {
    const { order: _, wait, ...rest } = structuredClone(step)
    // As the tables do with large outputs: they are read when a step needs them.
    const known = wait?.kind === 'signal' ? knownSignalWait(wait) : wait
    return { ...rest, wait: known, output: undefined, hasCheckpoints: this.checkpoints.has(step.path) }
  }

  #loopItems(path: string): EndedLoopItem[] {
    const items = [...(this.items.get(path)?.values() ?? [])].toSorted((a, b) => a.index - b.index)
    return items.map((item) => {
      const { index, status, error, reusedFrom } = item
      const held = reusedFrom === null ? item : this.#holder(reusedFrom).items.get(path)?.get(index)
      return { index, status, output: held?.output == null ? null : (JSON.parse(held.output) as Json), error }
    })
  }

  /** The items of a loop with the execution that holds each one's output; `id` is this execution's own. */
  itemHolders(path: string, id: string): readonly (readonly [LoopItemRecord, string])[] {
    const reusedFrom = this.steps.get(path)?.reusedFrom
    if (reusedFrom != null) return this.#holder(reusedFrom).itemHolders(path, reusedFrom)
    return [...(this.items.get(path)?.values() ?? [])].map((item) => [item, item.reusedFrom ?? id])
  }

  /** The output stands here. */
  ownsOutput(path: string): boolean {
    return this.values.get(path)?.output != null
  }

  #holder(executionId: string): MemoryJournal {
    const holder = this.#elsewhere.get(executionId)
    demand(holder !== undefined, `there is no execution ${executionId} to point to`)
    return holder
  }

  #isInsideEnded(path: string): boolean {
    return [...path.matchAll(/\[(\d+)\]\//g)].some((match) =>
      this.items.get(path.slice(0, match.index))?.has(Number(match[1])),
    )
  }
}

interface Pending {
  readonly entry: JournalEntry
  readonly onDecided: OnDecided
}

export function isEnded(status: StepStatus): boolean {
  return (ENDED as readonly StepStatus[]).includes(status)
}

function demand(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise)
}

// What `to_timestamp` and a JavaScript Date both take.
const LAST_INSTANT = 8.64e15

function demandInstant(instant: number, what: string): void {
  demand(Math.abs(instant) <= LAST_INSTANT, `${what} has the instant ${instant}`)
}

function isPlain(value: unknown): boolean {
  return JSON.stringify(JSON.parse(JSON.stringify(value))) === JSON.stringify(value)
}
