import { itemPath, knownSignalWait, type LoopItemRecord, type StepRecord } from '../../engine/record/index.ts'
import { sameJson, type Json, type JsonObject } from '../../lib/json/index.ts'
import { eventCode, statusCode } from './codes.ts'
import {
  derivedItemBody,
  derivedNodeId,
  derivedStepBody,
  hasDerivedAttempts,
  hasDerivedHandles,
  hasUsualStepBody,
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
  const changes: Mutable<Changes> = {}
  if (steps.length > 0) changes.s = steps
  if (items.length > 0) changes.i = items
  if (checkpoints.length > 0) changes.k = checkpoints
  if (contents.signals.length > 0) changes.u = contents.signals.map(({ number, path }) => [number, path])
  const { signals } = contents
  const hasChanges = steps.length + items.length + checkpoints.length + signals.length > 0
  let before: number | null = null
  let events = ''
  for (const event of contents.events) {
    events += `${events === '' ? '' : ','}${encodeEvent(event, { at, before, places })}`
    before = event.progress
  }
  return {
    at,
    changes: hasChanges ? JSON.stringify(changes) : null,
    events: events === '' ? null : `[${events}]`,
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
  const { path, status, attempt, startedAt, finishedAt, inputFrom, dueAt } = step
  // Assignments instead of spread objects: they take a third of the time.
  const change: Mutable<StepChange> = { p: path, o: positionOf(step.order) }
  if (step.nodeId !== derivedNodeId(path)) change.m = step.nodeId
  if (status !== 'COMPLETED') change.s = statusCode(status)
  if (attempt !== 1) change.n = attempt
  if (startedAt !== null) change.b = startedAt - at
  if (finishedAt !== null) change.f = finishedAt - at
  if (!hasDerivedHandles(step)) change.h = step.handles
  if (inputFrom.length > 0) change.i = inputFrom
  const blockVersion = step.attempts[0]?.blockVersion
  if (!hasDerivedAttempts(step)) change.a = step.attempts
  else if (blockVersion !== undefined) change.c = blockVersion
  if (dueAt !== null) change.d = dueAt - at
  if (step.wait !== null) change.w = step.wait
  if (step.error !== null) change.e = step.error
  if (step.reusedFrom !== null) change.r = step.reusedFrom
  if (step.callKey !== null) change.k = step.callKey
  if (values !== undefined) change.v = values
  return change
}

type Mutable<Row> = { -readonly [Name in keyof Row]: Row[Name] }

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

/** Up to this many steps are searched one by one. */
const SEARCHED_STEPS = 8

/** Where the steps and items of an entry are, by path. */
class Places {
  readonly #steps: readonly LoggedStep[]
  readonly #stepPlaces: ReadonlyMap<string, number> | null
  readonly #items: ReadonlyMap<string, { readonly place: number; readonly item: LoopItemRecord }> | null

  constructor(steps: readonly LoggedStep[], items: readonly LoopItemRecord[]) {
    this.#steps = steps
    this.#stepPlaces =
      steps.length > SEARCHED_STEPS ? new Map(steps.map(({ path }, place) => [path, place])) : null
    this.#items =
      items.length > 0
        ? new Map(items.map((item, place) => [itemPath(item.path, item.index), { place, item }]))
        : null
  }

  /** The place of a step in the entry; -1: it is not there. */
  placeOfStep(path: string): number {
    if (this.#stepPlaces) return this.#stepPlaces.get(path) ?? -1
    return this.#steps.findIndex((step) => step.path === path)
  }

  step(place: number): LoggedStep | undefined {
    return this.#steps[place]
  }

  /** Which subject an event has, and what the event says beside it; null: the event is written whole. */
  subjectOf({ kind, body }: EntryEvent['draft']): Subject | null {
    if (!('path' in body)) return null
    if ('index' in body) {
      const found = this.#items?.get(body.path)
      if (!found) return null
      const rest = restOf(body, itemSubject(found.item))
      return rest && { place: -1 - found.place, rest, derived: derivedItemBody(kind, found.item) }
    }
    const place = this.placeOfStep(body.path)
    const step = this.step(place)
    if (!step || step.attempt !== body.attempt) return null
    const { path, nodeId, attempt } = step
    const rest = restOf(body, { path, nodeId, attempt })
    return rest && { place, rest, derived: derivedStepBody(kind, step) }
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

/** Returns an `EventChange` as JSON text. */
function encodeEvent(
  { draft, progress }: EntryEvent,
  { at, before, places }: { at: number; before: number | null; places: Places },
): string {
  const { kind, body } = draft
  const shown = progress === before ? null : progress
  const head = `["${eventCode(kind)}",${draft.at - at}`
  if ('path' in body && !('index' in body)) {
    const place = places.placeOfStep(body.path)
    const step = places.step(place)
    if (step && hasUsualStepBody(kind, body, step)) return `${head},${shown},${place}]`
  }
  const subject = places.subjectOf(draft)
  const left = subject ? subject.rest : (body as JsonObject)
  const isDerived = sameJson(left, subject ? (subject.derived ?? undefined) : {})
  if (!isDerived) return `${head},${shown},${subject ? subject.place : null},${JSON.stringify(left)}]`
  if (subject) return `${head},${shown},${subject.place}]`
  return shown === null ? `${head}]` : `${head},${shown}]`
}

/** Writes values where they belong: the column `small` or `job_values`. */
class ValueWriter {
  /** The members of each kind as JSON text. */
  readonly #small: { [Kind in ValueKind]?: string } = {}
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
    const members = this.#small[kind]
    this.#small[kind] = `${members === undefined ? '' : `${members},`}${JSON.stringify(path)}:${text}`
    return VALUE.OUTPUT
  }

  get small(): string | null {
    let small = ''
    for (const kind in this.#small)
      small += `${small === '' ? '' : ','}"${kind}":{${this.#small[kind as ValueKind]}}`
    return small === '' ? null : `{${small}}`
  }
}
