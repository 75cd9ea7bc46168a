import { itemPath, type RecordedError } from '../../engine/record/index.ts'
import { withPauses, type Pieces } from '../../lib/turns/index.ts'
import type { JobId } from '../../lib/index.ts'
import type { Json } from '../../lib/json/index.ts'
import {
  decodeItem,
  ENTRY_TIME,
  foldedPagedItem,
  requireKnownFormat,
  VALUE,
  valueKey,
  type EntryAt,
  type ItemChange,
  type LogKey,
  type LogRow,
  type PagedItem,
} from '../log/index.ts'
import type { Queryable } from '../sql/index.ts'

/** An ended item of a loop. */
export interface LoopItem {
  readonly index: number
  readonly status: 'COMPLETED' | 'FAILED'
  readonly error: RecordedError | null
  /** Where its output is; null: it has none. */
  readonly output: ItemOutput | null
}

interface ItemOutput {
  /** The execution that ran the item. */
  readonly holder: JobId
  readonly entry: EntryAt
  readonly isLarge: boolean
}

/** Finds the ended items of a loop, in order. The output of one that was reused is found in the log of the execution that ran it. */
export async function findLoopItems(
  pool: Queryable,
  { id, ownerId }: LogKey,
  path: string,
): Promise<readonly LoopItem[]> {
  const own = (await readItems(pool, [{ id, ownerId }], path)).get(id) ?? new Map<number, FoundItem>()
  const holders = new Set([...own.values()].flatMap(({ reusedFrom }) => reusedFrom ?? []))
  const sources =
    holders.size === 0
      ? new Map<JobId, ReadonlyMap<number, FoundItem>>()
      : await readItems(
          pool,
          [...holders].map((holder) => ({ id: holder, ownerId })),
          path,
        )
  return [...own.values()]
    .map(({ index, status, error, reusedFrom, output }) => {
      const found = reusedFrom === null ? output : sources.get(reusedFrom)?.get(index)?.output
      return { index, status, error, output: found ?? null }
    })
    .toSorted((a, b) => a.index - b.index)
}

/** The bytes of the outputs of these items of a loop as JSON text. */
export async function sizeLoopOutputs(
  pool: Queryable,
  { ownerId, path }: Pick<LogKey, 'ownerId'> & { readonly path: string },
  items: readonly LoopItem[],
): Promise<number> {
  const outputs = items.flatMap(({ index, output }) => (output === null ? [] : { index, output }))
  if (outputs.length === 0) return 0
  const { rows } = await pool.query<{ bytes: number }>({
    name: 'log-loop-output-sizes',
    text: `SELECT COALESCE(sum(octet_length(value::text)), 0)::float8 AS bytes FROM (${OUTPUTS}) AS found`,
    values: outputsWanted(ownerId, path, outputs),
  })
  return rows[0]?.bytes ?? 0
}

/** Reads the outputs of these items of a loop, by index. */
export async function readLoopOutputs(
  pool: Queryable,
  { ownerId, path }: Pick<LogKey, 'ownerId'> & { readonly path: string },
  items: readonly LoopItem[],
): Promise<ReadonlyMap<number, Json>> {
  const outputs = items.flatMap(({ index, output }) => (output === null ? [] : { index, output }))
  if (outputs.length === 0) return new Map()
  const { rows } = await pool.query<{ id: JobId; path: string; value: Json }>({
    name: 'log-loop-outputs',
    text: OUTPUTS,
    values: outputsWanted(ownerId, path, outputs),
  })
  return withPauses(outputsByIndex(rows, path, outputs))
}

/** The number of outputs after which the work may be interrupted. */
const OUTPUTS_PER_PIECE = 256

function* outputsByIndex(
  rows: readonly { readonly id: JobId; readonly path: string; readonly value: Json }[],
  path: string,
  outputs: readonly { readonly index: number; readonly output: ItemOutput }[],
): Pieces<ReadonlyMap<number, Json>> {
  const values = new Map<string, Json>()
  for (const [n, { id, path: name, value }] of rows.entries()) {
    if (n % OUTPUTS_PER_PIECE === 0) yield
    values.set(`${id} ${name}`, value)
  }
  const byIndex = new Map<number, Json>()
  for (const [n, { index, output }] of outputs.entries()) {
    if (n % OUTPUTS_PER_PIECE === 0) yield
    const value = values.get(`${output.holder} ${itemPath(path, index)}`)
    if (value !== undefined) byIndex.set(index, value)
  }
  return byIndex
}

/** An item as one log has it. */
interface FoundItem extends LoopItem {
  readonly reusedFrom: JobId | null
}

/**
 * The entries behind the pages and the pages are read by one statement, so that no merge into pages comes in between. Only pages with
 * ended items of the loop are unpacked.
 */
const ITEMS = `
SELECT j.id, l.seq, l.entry_no AS "entryNo", l.format, ${ENTRY_TIME} AS at, l.changes->'i' AS items, NULL::json AS paged
FROM unnest($1::text[], $2::uuid[]) AS wanted(owner_id, id)
JOIN jobs j ON j.id = wanted.id AND j.owner_id = wanted.owner_id
JOIN job_log l ON l.job_id = j.id AND l.entry_no > j.paged_no AND strpos(l.changes::text, '"i":[') > 0
UNION ALL
SELECT j.id, 0, 0, 0, 0, NULL, p.body->'i'
FROM unnest($1::text[], $2::uuid[]) AS wanted(owner_id, id)
JOIN jobs j ON j.id = wanted.id AND j.owner_id = wanted.owner_id AND j.paged_no > 0
JOIN job_pages p ON p.job_id = j.id
  AND EXISTS (SELECT FROM json_array_elements(p.ended) AS run(value) WHERE run.value->>0 = $3)`

interface ItemsRow extends Pick<LogRow, 'seq' | 'entryNo' | 'format' | 'at'> {
  readonly id: JobId
  readonly items: readonly ItemChange[] | null
  readonly paged: readonly PagedItem[] | null
}

async function readItems(
  pool: Queryable,
  jobs: readonly LogKey[],
  path: string,
): Promise<ReadonlyMap<JobId, ReadonlyMap<number, FoundItem>>> {
  const { rows } = await pool.query<ItemsRow>({
    name: 'log-loop-items',
    text: ITEMS,
    values: [jobs.map(({ ownerId }) => ownerId), jobs.map(({ id }) => id), path],
  })
  return withPauses(foundItems(rows, path))
}

function* foundItems(
  rows: readonly ItemsRow[],
  path: string,
): Pieces<ReadonlyMap<JobId, ReadonlyMap<number, FoundItem>>> {
  const found = new Map<JobId, Map<number, FoundItem>>()
  for (const { id, items, paged, ...row } of rows) {
    yield
    requireKnownFormat(row)
    const own = found.get(id) ?? new Map<number, FoundItem>()
    found.set(id, own)
    for (const change of items ?? []) {
      if (change.p !== path) continue
      const values = change.v === undefined ? null : { entry: row, held: change.v }
      own.set(change.x, toFound(id, { item: decodeItem(change, row.at), values }))
    }
    for (const change of paged ?? [])
      if (change.p === path) own.set(change.x, toFound(id, foldedPagedItem(change)))
  }
  return found
}

function toFound(holder: JobId, { item, values }: ReturnType<typeof foldedPagedItem>): FoundItem {
  const { index, status, error, reusedFrom } = item
  const hasOutput = values !== null && (values.held & VALUE.OUTPUT) > 0
  const output = hasOutput
    ? {
        holder,
        entry: { seq: values.entry.seq, entryNo: values.entry.entryNo },
        isLarge: (values.held & VALUE.LARGE_OUTPUT) > 0,
      }
    : null
  return { index, status, error, reusedFrom: reusedFrom as JobId | null, output }
}

/** Each entry is unpacked once. What it holds of the loop are outputs of items that ended with it. */
const OUTPUTS = `
SELECT j.id, o.key AS path, o.value
FROM unnest($2::uuid[], $3::int[], $4::int[]) AS w(id, seq, entry_no)
JOIN jobs j ON j.id = w.id AND j.owner_id = $1
JOIN job_log l ON l.job_id = j.id AND l.seq = w.seq AND l.entry_no = w.entry_no
CROSS JOIN LATERAL json_each(l.small->'o') AS o(key, value)
WHERE starts_with(o.key, $5 || '[') AND right(o.key, 1) = ']' AND strpos(substr(o.key, length($5) + 2), '/') = 0
UNION ALL
SELECT j.id, substr(v.key, 3), v.value
FROM unnest($6::uuid[], $7::int[], $8::text[]) AS w(id, entry_no, key)
JOIN jobs j ON j.id = w.id AND j.owner_id = $1
JOIN job_values v ON v.job_id = j.id AND v.entry_no = w.entry_no AND v.key = w.key`

function outputsWanted(
  ownerId: LogKey['ownerId'],
  path: string,
  outputs: readonly { readonly index: number; readonly output: ItemOutput }[],
): unknown[] {
  const entries = new Map(
    outputs
      .filter(({ output }) => !output.isLarge)
      .map(({ output }) => [`${output.holder} ${output.entry.entryNo}`, output]),
  )
  const small = [...entries.values()]
  const large = outputs.filter(({ output }) => output.isLarge)
  return [
    ownerId,
    small.map(({ holder }) => holder),
    small.map(({ entry }) => entry.seq),
    small.map(({ entry }) => entry.entryNo),
    path,
    large.map(({ output }) => output.holder),
    large.map(({ output }) => output.entry.entryNo),
    large.map(({ index }) => valueKey('o', itemPath(path, index))),
  ]
}
