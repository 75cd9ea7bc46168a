import type { ExecutionMode } from '../../engine/block/index.ts'
import type { OriginalRecord, OriginalStepRecord, SourceValues } from '../../engine/fork/index.ts'
import { CALL_OUTCOME_UNKNOWN } from '../../engine/record/index.ts'
import type { JobId, OwnerId } from '../../lib/index.ts'
import type { Json, JsonObject } from '../../lib/json/index.ts'
import { applyPage, createLogStore, Fold, positionOf, type FoldedStep, type LogStore } from '../log/index.ts'
import {
  configKey,
  findSteps,
  outputKey,
  readSmallValues,
  readValues,
  scanPages,
  type LoggedValueKey,
} from '../log-reads/index.ts'
import { first, type Queryable } from '../sql/index.ts'

/**
 * Reads ended executions for those that retry them. Their records do not change any more. Nothing that is loaded holds an output or
 * a config: those are read when they are compared.
 */
export interface OriginalStore {
  load(job: { readonly id: JobId; readonly ownerId: OwnerId }): Promise<OriginalRecord | null>
}

export function createOriginalStore(pool: Queryable): OriginalStore {
  return {
    async load(job) {
      const execution = await loadExecution(pool, job)
      if (!execution) return null
      const log = createLogStore(pool)
      const found = await scan(pool, log, job)
      const steps = [...found.steps.values()]
      return {
        ...execution,
        steps: steps.map((one) => toRecord(job.id, one)),
        items: await itemsOf(pool, log, { job, ...found }),
        values: new LoggedSourceValues(pool, log, { job, steps: found.steps }).values,
      }
    },
  }
}

type Key = { readonly id: JobId; readonly ownerId: OwnerId }

async function loadExecution(
  pool: Queryable,
  { id, ownerId }: Key,
): Promise<Omit<OriginalRecord, 'steps' | 'items' | 'values'> | null> {
  const { rows } = await pool.query<{
    hash: string
    body: Json
    input: Json
    variables: JsonObject
    mode: ExecutionMode
    startedAt: Date | null
  }>(
    `SELECT d.hash, d.body, v.input, v.variables, e.mode, j.started_at AS "startedAt"
     FROM executions e
     JOIN jobs j ON j.id = e.id
     JOIN definitions d ON d.id = e.definition_id
     JOIN execution_inputs v ON v.execution_id = e.id
     WHERE e.owner_id = $1 AND e.id = $2 AND j.finished_at IS NOT NULL`,
    [ownerId, id],
  )
  const row = first(rows)
  if (!row) return null
  const { hash, body, startedAt, ...rest } = row
  return {
    executionId: id,
    ...rest,
    definition: { hash, body },
    startedAt: startedAt?.getTime() ?? null,
  }
}

/** By loop path and index, the execution that holds the output of a completed item. */
type CompletedItems = Map<string, Map<number, string>>

interface Scanned {
  /** The definition's own steps, and those inside of loops that were left with an unknown outcome, by path. */
  readonly steps: ReadonlyMap<string, FoldedStep>
  /** The completed items of the definition's own loops: those inside of loops run again with their items. */
  readonly items: CompletedItems
}

/**
 * Reads the log of an ended execution, a few pages at a time. The entries behind the pages are read first: what is merged into pages
 * meanwhile is in both.
 */
async function scan(pool: Queryable, log: Pick<LogStore, 'tails'>, job: Key): Promise<Scanned> {
  const tail = (await log.tails([job])).get(job.id)
  const behind = Fold.of(tail?.rows ?? [])
  const steps = new Map<string, FoldedStep>()
  const items: CompletedItems = new Map()
  const putStep = (one: FoldedStep) => {
    if (!one.step.path.includes('/') || errorCodeOf(one) === CALL_OUTCOME_UNKNOWN)
      steps.set(one.step.path, one)
  }
  if (tail && tail.pagedNo > 0)
    await scanPages(pool, job, {
      holding: `"${CALL_OUTCOME_UNKNOWN}"`,
      use({ ended, body }) {
        if (body === null) {
          for (const [path, status, from, to] of ended)
            if (status === 'C')
              for (let index = from; index <= to; index++) putItem(items, job.id, { path, index })
          return
        }
        const page = new Fold()
        applyPage(page, body)
        for (const one of page.steps.values()) {
          // A newer state may have no values: those of the page still hold.
          if (behind.steps.has(one.step.path)) behind.putStep(one)
          else putStep(one)
        }
        for (const { item } of page.items.values())
          if (item.status === 'COMPLETED') putItem(items, item.reusedFrom ?? job.id, item)
      },
    })
  for (const one of behind.steps.values()) putStep(one)
  for (const { item } of behind.items.values())
    if (item.status === 'COMPLETED') putItem(items, item.reusedFrom ?? job.id, item)
  return { steps, items }
}

function putItem(
  items: CompletedItems,
  holder: string,
  { path, index }: { readonly path: string; readonly index: number },
): void {
  if (path.includes('/')) return
  const loop = items.get(path)
  if (loop) loop.set(index, holder)
  else items.set(path, new Map([[index, holder]]))
}

/** What the last attempt failed with. */
function errorCodeOf({ step }: FoldedStep): string | null {
  return step.attempts.at(-1)?.error?.code ?? null
}

function toRecord(id: JobId, one: FoldedStep): OriginalStepRecord {
  const { path, nodeId, status, handles, inputFrom, reusedFrom, callKey } = one.step
  return {
    path,
    nodeId,
    status,
    handles,
    inputFrom,
    errorCode: errorCodeOf(one),
    holder: reusedFrom ?? id,
    callKey: callKey ?? `${id}/${path}`,
  }
}

/** A loop that was itself taken over as a whole left its items where it ran. */
async function itemsOf(
  pool: Queryable,
  log: Pick<LogStore, 'tails'>,
  { job, steps, items }: Scanned & { readonly job: Key },
): Promise<OriginalRecord['items']> {
  const holders = new Set([...steps.values()].flatMap(({ step }) => step.reusedFrom ?? []))
  const found = new Map([...items].filter(([path]) => steps.get(path)?.step.reusedFrom === null))
  for (const holder of holders) {
    const { items: others } = await scan(pool, log, { id: holder as JobId, ownerId: job.ownerId })
    for (const [path, loop] of others) if (steps.get(path)?.step.reusedFrom === holder) found.set(path, loop)
  }
  return found
}

/** The small outputs that are read together, and the small configs, as bytes of JSON text of one execution. */
const SMALL_VALUES_MAX_BYTES = 64 * 1024

/** The small values are looked for among at most this many steps, the first ones of the definition. */
const SMALL_VALUES_MAX_STEPS = 2_000

/** A config without fields, which no entry holds. */
const NO_CONFIG = '{}'

interface SourceSteps {
  readonly job: Key
  readonly steps: ReadonlyMap<string, FoldedStep>
}

/** Reads the values of an ended execution's steps. */
class LoggedSourceValues {
  readonly #pool: Queryable
  readonly #log: LogStore
  readonly #job: Key
  /** Where each step's values are. */
  readonly #places = new Map<string, PlacedStep>()

  constructor(pool: Queryable, log: LogStore, { job, steps }: SourceSteps) {
    this.#pool = pool
    this.#log = log
    this.#job = job
    for (const [path, one] of steps) this.#places.set(path, toPlaced(one))
  }

  get values(): SourceValues {
    return {
      small: async () => ({ configs: await this.#small('config'), outputs: await this.#small('output') }),
      outputs: (paths) => this.#read('output', paths),
      configs: (paths) => this.#read('config', paths),
    }
  }

  /** Of the definition's own steps. */
  async #small(column: Column): Promise<ReadonlyMap<string, string>> {
    const paths = [...this.#places]
      .filter(([path]) => !path.includes('/'))
      .toSorted(([, a], [, b]) => (a.position < b.position ? -1 : 1))
      .slice(0, SMALL_VALUES_MAX_STEPS)
      .map(([path]) => path)
    const places = await this.#keysOf(column, paths)
    const keys = [...places].flatMap(([path, { key }]) => (key?.isSmall ? [{ path, key }] : []))
    const texts = await readSmallValues(
      this.#pool,
      keys.map(({ key }) => key),
      SMALL_VALUES_MAX_BYTES,
    )
    return new Map([
      ...textsWithoutEntry(places),
      ...keys.flatMap(({ path }, place): readonly (readonly [string, string])[] => {
        const text = texts[place] ?? null
        return text === null ? [] : [[path, text]]
      }),
    ])
  }

  async #read(column: Column, paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const places = await this.#keysOf(column, paths)
    const keys = [...places].flatMap(([path, { key }]) => (key ? [{ path, key }] : []))
    const { values } = await readValues(
      this.#pool,
      keys.map(({ key }) => key),
      Number.MAX_SAFE_INTEGER,
    )
    return new Map([
      ...textsWithoutEntry(places),
      ...keys.flatMap(({ path }, place): readonly (readonly [string, string])[] => {
        const text = values?.[place] ?? null
        return text === null ? [] : [[path, text]]
      }),
    ])
  }

  /** Where these values are. An output is where the step ran; the config is always the step's own. */
  async #keysOf(column: Column, paths: readonly string[]): Promise<ReadonlyMap<string, ValuePlace>> {
    const unknown = paths.filter((path) => !this.#places.has(path))
    const others = unknown.length === 0 ? [] : await this.#find(unknown, this.#job.id)
    const own = new Map(unknown.map((path, n) => [path, others[n] ?? null] as const))
    const placed = paths.map((path) => [path, this.#places.get(path) ?? own.get(path) ?? null] as const)
    if (column === 'config')
      return new Map(
        placed.map(([path, one]) => {
          const key = configKey(this.#job, path, one?.values ?? null)
          return [path, { key, text: key === null && one?.values ? NO_CONFIG : null }]
        }),
      )
    const found = new Map<string, ValuePlace>()
    const reused = new Map<string, string[]>()
    for (const [path, one] of placed) {
      const holder = one?.reusedFrom ?? null
      if (holder === null)
        found.set(path, { key: outputKey(this.#job, path, one?.values ?? null), text: null })
      else reused.set(holder, [...(reused.get(holder) ?? []), path])
    }
    for (const [holder, held] of reused) {
      const key = { id: holder as JobId, ownerId: this.#job.ownerId }
      const steps = await this.#find(held, key.id)
      for (const [n, path] of held.entries())
        found.set(path, { key: outputKey(key, path, steps[n]?.values ?? null), text: null })
    }
    return found
  }

  async #find(paths: readonly string[], id: JobId): Promise<readonly (PlacedStep | null)[]> {
    const { ownerId } = this.#job
    const steps = await findSteps(
      this.#log,
      paths.map((path) => ({ id, ownerId, path })),
    )
    return steps.map((one) => one && toPlaced(one))
  }
}

type Column = 'config' | 'output'

interface PlacedStep extends Pick<FoldedStep, 'values'> {
  readonly position: string
  readonly reusedFrom: string | null
}

interface ValuePlace {
  readonly key: LoggedValueKey | null
  /** Where the value follows without an entry. */
  readonly text: string | null
}

function toPlaced({ step, values }: FoldedStep): PlacedStep {
  return { values, position: positionOf(step.order), reusedFrom: step.reusedFrom }
}

function textsWithoutEntry(places: ReadonlyMap<string, ValuePlace>): readonly (readonly [string, string])[] {
  return [...places].flatMap(([path, { text }]) => (text === null ? [] : [[path, text] as const]))
}
