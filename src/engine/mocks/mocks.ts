import { z } from 'zod'
import { pointer, type Json } from '../../lib/json/index.ts'
import { closest } from '../../lib/text/index.ts'
import type { Pieces } from '../../lib/turns/index.ts'
import { BlockError } from '../block/index.ts'
import { placeOf, type PlanGraph } from '../definition/index.ts'
import { listProblems, type InputProblem } from '../json-schema/index.ts'

const MAX_DURATION_MS = 366 * 86_400_000
const MAX_PROBLEMS = 20
/** How many mocks are read before others get the thread. */
const MOCKS_PER_PIECE = 1_000

/** Any JSON: mocks are known to be plain JSON before they are read, so their values are not walked again. */
const json = z.unknown() as z.ZodType<Json>

const mockErrorSchema = z.strictObject({
  code: z.string().min(1).max(200),
  message: z.string().max(4_000).default('The mock says so.'),
  retryable: z.boolean().default(false),
  retryAfterMs: z.number().min(0).max(MAX_DURATION_MS).optional(),
  details: z.record(z.string(), json).optional(),
})

const mockSchema = z
  .strictObject({
    /** What the step completes with: a block's output, a signal's payload, a called workflow's output. */
    output: json.optional(),
    /** The handles that the step is left by, beside an output; default: as a plain outcome leaves. */
    handles: z.array(z.string().max(128)).max(100).optional(),
    /** What the attempt fails with. */
    error: mockErrorSchema.optional(),
    /** Nothing comes in time: no signal before the wait's own time-out, no answer to a call. */
    timeout: z.literal(true).optional(),
    /** How long it takes. */
    durationMs: z.number().min(0).max(MAX_DURATION_MS).optional(),
  })
  .refine(
    ({ output, error, timeout }) => [output, error, timeout].filter((part) => part !== undefined).length <= 1,
    'has one of `output`, `error` and `timeout`',
  )

/** What comes of one attempt in place of a call. Without output, error and time-out: the block's sample, after `durationMs`. */
export type Mock = z.output<typeof mockSchema>

/** One mock for every time, or a list: by attempt, and where the node stands in loops first by item, the outermost first. */
type MockEntry = Mock | readonly MockEntry[]

/** By step path (`enrich[3]/find`), by node path (`enrich/find`), or by node id (`find`). */
export type Mocks = Readonly<Record<string, MockEntry>>

export const NO_MOCKS: Mocks = {}

export type ReadMocks =
  | { readonly kind: 'ok'; readonly mocks: Mocks }
  | { readonly kind: 'invalid'; readonly problems: readonly InputProblem[] }

/**
 * Reads mocks from outside, in pieces. Each must have the shape of a mock and name something that the plan has. The value is
 * plain JSON already; the output of a mock is taken as it is.
 */
export function* readMocks(value: Json, graph: PlanGraph): Pieces<ReadMocks> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return invalid([{ pointer: '', message: 'must be an object of mocks by node id or step path' }])
  }
  const ids = nodeIds(graph)
  const problems: InputProblem[] = []
  const mocks: { [key: string]: MockEntry } = Object.create(null) as { [key: string]: MockEntry }
  const seen = { count: 0 }
  for (const [key, entry] of Object.entries(value)) {
    const at = pointer('', key)
    // A suggestion costs more than the check, so no more problems are looked for than are returned.
    if (problems.length >= MAX_PROBLEMS) break
    if (!ids.has(key) && !placeOf(graph, key)) problems.push({ pointer: at, message: unknownName(key, ids) })
    const read = yield* readEntry(entry, at, seen)
    if ('problem' in read) problems.push(read.problem)
    else mocks[key] = read.entry
  }
  return problems.length > 0 ? invalid(problems) : { kind: 'ok', mocks }
}

/** The mock of one attempt, and the key that it stands under; null where there is none. */
export function findMock(
  mocks: Mocks,
  { path, attempt }: { readonly path: string; readonly attempt: number },
): { readonly key: string; readonly mock: Mock } | null {
  const items = [...path.matchAll(ITEM)].map(([, index]) => Number(index))
  const candidates = [
    { key: path, places: [attempt - 1] },
    { key: nodePath(path), places: [...items, attempt - 1] },
    { key: path.slice(path.lastIndexOf('/') + 1), places: [...items, attempt - 1] },
  ]
  for (const { key, places } of candidates) {
    const entry = Object.hasOwn(mocks, key) ? mocks[key] : undefined
    if (entry !== undefined) return { key, mock: pick(entry, places) }
  }
  return null
}

/** The failure that a mock stands for; null when it stands for none. */
export function mockFailure({ error, timeout }: Mock): BlockError | null {
  if (timeout) return new BlockError('ATTEMPT_TIMEOUT', 'Nothing came in time.', { retryable: true })
  if (!error) return null
  const { code, message, retryable, retryAfterMs, details } = error
  return new BlockError(code, message, {
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(details === undefined ? {} : { details }),
  })
}

/** A step's path without the items: where its node stands in the definition. */
export function nodePath(path: string): string {
  return path.replaceAll(ITEM, '')
}

const ITEM = /\[(\d+)\]/g

/** The last entry of a list stands for all that follow. */
function pick(entry: MockEntry, places: readonly number[]): Mock {
  let picked = entry
  for (const place of places) {
    if (!isList(picked)) break
    picked = picked[Math.min(place, picked.length - 1)] ?? {}
  }
  // More lists than there is something to count by: what comes first.
  while (isList(picked)) picked = picked[0] ?? {}
  return picked
}

function isList(entry: MockEntry): entry is readonly MockEntry[] {
  return Array.isArray(entry)
}

type ReadEntry = { readonly entry: MockEntry } | { readonly problem: InputProblem }

/** Reads an entry and the entries in it, each once; the problem of a list names the place in it. `seen` counts them. */
function* readEntry(entry: Json, at: string, seen: { count: number }): Pieces<ReadEntry> {
  if (++seen.count % MOCKS_PER_PIECE === 0) yield
  if (!Array.isArray(entry)) return readMock(entry, at)
  const items = entry as readonly Json[]
  if (items.length === 0) return { problem: { pointer: at, message: 'has at least one mock' } }
  const entries: MockEntry[] = []
  for (const [i, item] of items.entries()) {
    const read = yield* readEntry(item, pointer(at, i), seen)
    if ('problem' in read) return read
    entries.push(read.entry)
  }
  return { entry: entries }
}

function readMock(value: Json, at: string): ReadEntry {
  const parsed = mockSchema.safeParse(value)
  if (parsed.success) return { entry: parsed.data }
  const [issue] = parsed.error.issues
  const shape = '{ output } or { error: { code, message, retryable } }, with `durationMs` where that matters'
  const place = pointer(at, ...(issue?.path ?? []).map(String))
  return { problem: { pointer: place, message: `${issue?.message ?? 'is no mock'}; a mock is ${shape}` } }
}

function unknownName(key: string, ids: ReadonlySet<string>): string {
  const meant = closest(key, ids)
  return `names no node${meant === null ? '' : `; did you mean "${meant}"?`}`
}

function nodeIds(graph: PlanGraph, ids = new Set<string>()): Set<string> {
  for (const { id, body } of graph.nodes) {
    ids.add(id)
    if (body) nodeIds(body, ids)
  }
  return ids
}

function invalid(problems: readonly InputProblem[]): ReadMocks {
  return { kind: 'invalid', problems: listProblems(problems.slice(0, MAX_PROBLEMS), (problem) => problem) }
}
