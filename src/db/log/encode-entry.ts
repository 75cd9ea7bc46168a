import { itemPath, knownSignalWait, type LoopItemRecord, type StepRecord } from '../../engine/record/index.ts'
import { sameJson, type Json, type JsonObject } from '../../lib/json/index.ts'
import { eventCode, statusCode } from './codes.ts'
import {
  derivedAttempts,
  derivedHandles,
  derivedItemBody,
  derivedNodeId,
  derivedStepBody,
  itemSubject,
} from './derived.ts'
import {
  checkpointPath,
  EXECUTION_OUTPUT,
  SMALL_VALUE_MAX_LENGTH,
  VALUE,
  valueKey,
  type Changes,
  type CheckpointChange,
  type EncodedEntry,
  type EntryContents,
  type EntryEvent,
  type EventChange,
  type ItemChange,
  type LargeValue,
  type LoggedStep,
  type StepChange,
  type ValueKind,
} from './entry.ts'
import { positionOf } from './position.ts'

/**
 * Encodes what a flush records of one execution as a row of `job_log`, and the large values beside it. `now`: the time of an entry
 * without events, in milliseconds. Throws if it holds values of a step that it does not change.
 */
export function encodeEntry(contents: EntryContents, now: number): EncodedEntry {
  const at = Math.trunc(contents.events[0]?.draft.at ?? now)
  const values = new ValueWriter()
  const held = new Map(contents.values.map((value) => [value.path, value]))
  const logged = contents.steps.map(loggedStep)
  const places = new Places(logged, contents.items)
  const steps = contents.steps.map((step, place) => {
    const own = held.get(step.path)
    held.delete(step.path)
    const { wait } = step
    if (wait?.kind === 'signal' && wait.schema !== null)
      values.put('w', step.path, JSON.stringify(wait.schema))
    return encodeStep(logged[place] ?? loggedStep(step), at, own && values.putStep(step.path, own))
  })
  for (const path of held.keys()) throw new Error(`an entry holds values of "${path}" without the step`)
  const items = contents.items.map((item) => encodeItem(item, at, values))
  const checkpoints = contents.checkpoints.map(({ path, key, value, order }): CheckpointChange => {
    return [path, positionOf(order), key, values.put('k', checkpointPath(path, key), value)]
  })
  if (contents.output !== null) values.put('o', EXECUTION_OUTPUT, contents.output)
  const changes: Changes = {
    ...(steps.length > 0 ? { s: steps } : {}),
    ...(items.length > 0 ? { i: items } : {}),
    ...(checkpoints.length > 0 ? { k: checkpoints } : {}),
    ...(contents.signals.length > 0 ? { u: contents.signals.map(({ number, path }) => [number, path]) } : {}),
  }
  let progress: number | null = null
  const events = contents.events.map((event) => {
    const change = encodeEvent(event, { at, before: progress, places })
    progress = event.progress
    return change
  })
  return {
    at,
    changes: Object.keys(changes).length > 0 ? JSON.stringify(changes) : null,
    events: events.length > 0 ? JSON.stringify(events) : null,
    small: values.small,
    large: values.large,
    changeCount: steps.length + items.length + checkpoints.length,
  }
}

/** A step without the schema that its wait demands of a signal: a log row keeps that among its values. */
export function loggedStep(step: StepRecord): LoggedStep {
  const { wait } = step
  // Only a wait for a signal makes a copy: this is called for each step of each flush.
  return wait?.kind === 'signal' ? { ...step, wait: knownSignalWait(wait) } : (step as LoggedStep)
}

/** A step as an entry or a page writes it. `at`: where its times count from. `values`: see `VALUE`; undefined: none are written with it. */
export function encodeStep(step: LoggedStep, at: number, values: number | undefined): StepChange {
  const { path, status, attempt, startedAt, finishedAt, handles, inputFrom, attempts, dueAt } = step
  // Assignments instead of spread objects: they take a third of the time.
  const change: Mutable<StepChange> = { p: path, o: positionOf(step.order) }
  if (step.nodeId !== derivedNodeId(path)) change.m = step.nodeId
  if (status !== 'COMPLETED') change.s = statusCode(status)
  if (attempt !== 1) change.n = attempt
  if (startedAt !== null) change.b = startedAt - at
  if (finishedAt !== null) change.f = finishedAt - at
  if (!same(handles, derivedHandles(status))) change.h = handles
  if (inputFrom.length > 0) change.i = inputFrom
  if (!same(attempts, derivedAttempts(step))) change.a = attempts
  if (dueAt !== null) change.d = dueAt - at
  if (step.wait !== null) change.w = step.wait
  if (step.error !== null) change.e = step.error
  if (step.reusedFrom !== null) change.r = step.reusedFrom
  if (step.callKey !== null) change.k = step.callKey
  if (values !== undefined) change.v = values
  return change
}

type Mutable<Row> = { -readonly [Name in keyof Row]: Row[Name] }

/** Whether two values are the same JSON. */
function same(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && sameJson(one as Json, other as Json)
}

function encodeItem(item: LoopItemRecord, at: number, values: ValueWriter): ItemChange {
  const { path, index, output } = item
  return itemChange(item, at, output === null ? undefined : values.put('o', itemPath(path, index), output))
}

/** An item as an entry or a page writes it. */
export function itemChange(
  item: Omit<LoopItemRecord, 'output'>,
  at: number,
  values: number | undefined,
): ItemChange {
  const change: Mutable<ItemChange> = {
    p: item.path,
    o: positionOf(item.order),
    x: item.index,
    f: item.finishedAt - at,
  }
  if (item.status !== 'COMPLETED') change.s = statusCode(item.status)
  if (item.error !== null) change.e = item.error
  if (item.reusedFrom !== null) change.r = item.reusedFrom
  if (values !== undefined) change.v = values
  return change
}

/** Where the steps and items of an entry are, by path. */
class Places {
  readonly #steps: ReadonlyMap<string, { readonly place: number; readonly step: LoggedStep }>
  readonly #items: ReadonlyMap<string, { readonly place: number; readonly item: LoopItemRecord }>

  constructor(steps: readonly LoggedStep[], items: readonly LoopItemRecord[]) {
    this.#steps = new Map(steps.map((step, place) => [step.path, { place, step }]))
    this.#items = new Map(items.map((item, place) => [itemPath(item.path, item.index), { place, item }]))
  }

  /** Which subject an event has, and what the event says beside it; null: the event is written whole. */
  subjectOf({ kind, body }: EntryEvent['draft']): Subject | null {
    if (!('path' in body)) return null
    if ('index' in body) {
      const found = this.#items.get(body.path)
      if (!found) return null
      const rest = restOf(body, itemSubject(found.item))
      return rest && { place: -1 - found.place, rest, derived: derivedItemBody(kind, found.item) }
    }
    const found = this.#steps.get(body.path)
    if (!found || found.step.attempt !== body.attempt) return null
    const { path, nodeId, attempt } = found.step
    const rest = restOf(body, { path, nodeId, attempt })
    return rest && { place: found.place, rest, derived: derivedStepBody(kind, found.step) }
  }
}

interface Subject {
  readonly place: number
  readonly rest: JsonObject
  /** What a reader takes for `rest` where that is left out. */
  readonly derived: JsonObject | null
}

/** A body without the facts of its subject; null where it has others. */
function restOf(body: object, subject: JsonObject): JsonObject | null {
  const rest: Record<string, Json> = {}
  let known = 0
  for (const [name, value] of Object.entries(body as JsonObject)) {
    if (!Object.hasOwn(subject, name)) rest[name] = value
    else if (subject[name] === value) known++
    else return null
  }
  return known === Object.keys(subject).length ? rest : null
}

function encodeEvent(
  { draft, progress }: EntryEvent,
  { at, before, places }: { at: number; before: number | null; places: Places },
): EventChange {
  const subject = places.subjectOf(draft)
  const body = subject ? subject.rest : (draft.body as JsonObject)
  const isDerived = sameJson(body, subject ? (subject.derived ?? undefined) : {})
  const change = [
    eventCode(draft.kind),
    draft.at - at,
    progress === before ? null : progress,
    subject ? subject.place : null,
    isDerived ? null : body,
  ]
  while (change.at(-1) === null) change.pop()
  return change as unknown as EventChange
}

/** Writes values where they belong: the column `small` or `job_values`. */
class ValueWriter {
  readonly #small = new Map<ValueKind, string[]>()
  readonly large: LargeValue[] = []

  putStep(path: string, { config, output }: { config: string; output: string | null }): number {
    const ofConfig =
      config === '{}'
        ? 0
        : this.put('c', path, config) === VALUE.OUTPUT
          ? VALUE.CONFIG
          : VALUE.CONFIG | VALUE.LARGE_CONFIG
    return ofConfig | (output === null ? 0 : this.put('o', path, output))
  }

  /** Returns what to record of the value: see `VALUE`, as of an output. */
  put(kind: ValueKind, path: string, text: string): number {
    if (text.length > SMALL_VALUE_MAX_LENGTH) {
      this.large.push({ key: valueKey(kind, path), value: text })
      return VALUE.OUTPUT | VALUE.LARGE_OUTPUT
    }
    const member = `${JSON.stringify(path)}:${text}`
    const members = this.#small.get(kind)
    if (members) members.push(member)
    else this.#small.set(kind, [member])
    return VALUE.OUTPUT
  }

  get small(): string | null {
    if (this.#small.size === 0) return null
    const kinds = [...this.#small].map(([kind, members]) => `"${kind}":{${members.join(',')}}`)
    return `{${kinds.join(',')}}`
  }
}
