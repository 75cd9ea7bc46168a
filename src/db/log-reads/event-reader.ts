import type { JobEvent } from '../../engine/record/index.ts'
import {
  decodeEventsBetween,
  eventCode,
  millisecondsSql,
  type EventChange,
  type LogKey,
  type LogRow,
} from '../log/index.ts'
import type { Queryable } from '../sql/index.ts'

/** Maximum number of an event: that of an `integer` in Postgres. */
const SEQ_MAX = 2 ** 31 - 1

/** Which events of a job to read. */
export interface EventsPage {
  readonly after: number
  /** Maximum number of events of each job. */
  readonly limit: number
  /**
   * Maximum bytes of memory, as estimated, that the entries take which one statement reads. One entry is read whatever its size is.
   */
  readonly maxBytes: number
}

/** Events of one job, in order. */
export interface EventsPiece {
  /** The index of the job in the list that was passed. */
  readonly job: number
  readonly events: readonly JobEvent[]
}

/** The memory that a JSON text takes once it is parsed: its bytes, and about 20 more for each list, object and item. */
const ITEM_BYTES = 20
const parsedBytesSql = (text: string) =>
  `(octet_length(${text}) + ${ITEM_BYTES} * (octet_length(${text}) - octet_length(${withoutItemsSql(text)})))`
/** Three calls of `replace` take a third of the time of one of `translate`. */
const withoutItemsSql = (text: string) => `replace(replace(replace(${text}, ',', ''), '{', ''), '[', '')`

const ITEM_STARTS: ReadonlySet<number> = new Set(['[', '{', ','].map((character) => character.charCodeAt(0)))

/** Estimates the memory that a JSON text takes once it is parsed, in bytes. */
export function parsedBytes(text: string): number {
  let items = 0
  for (let at = 0; at < text.length; at++) if (ITEM_STARTS.has(text.charCodeAt(at))) items++
  return Buffer.byteLength(text) + ITEM_BYTES * items
}

/**
 * Reads a page of the events of each of these jobs, in the order of the jobs. Each iteration is one statement; most pages take one. An
 * entry never changes, so the pages have no gap whatever is recorded between two statements.
 */
export async function* readEvents(
  pool: Queryable,
  jobs: readonly LogKey[],
  { after, limit, maxBytes }: EventsPage,
): AsyncGenerator<readonly EventsPiece[], void> {
  const last = Math.min(after + limit, SEQ_MAX)
  let wanted = jobs.map((job, place) => ({ ...job, place, after }))
  while (wanted.length > 0) {
    const { rows } = await pool.query<EventsRow>({
      name: 'log-events',
      text: EVENTS,
      values: [
        wanted.map(({ ownerId }) => ownerId),
        wanted.map(({ id }) => id),
        wanted.map((job) => job.after),
        last,
        maxBytes,
      ],
    })
    const places = wanted
    yield rows.flatMap((row) => {
      const read = places[Number(row.job) - 1]
      return read ? [{ job: read.place, events: decodeEventsBetween(row, read.after, last) }] : []
    })
    const end = rows.at(-1)
    if (!end || end.isNewest) return
    wanted = wanted.slice(Number(end.job) - 1).map((job, n) => (n === 0 ? { ...job, after: end.seq } : job))
  }
}

interface EventsRow extends LogRow {
  /** From 1. */
  readonly job: string
  /** Whether no further entry has an event that is wanted. */
  readonly isNewest: boolean
}

/** The events of the entry that a job's row stands for, as JSON text. */
const QUEUED = JSON.stringify([[eventCode('JOB_QUEUED'), 0, 0]] satisfies readonly EventChange[])

/**
 * Whether the row `j` of a job stands for its first event: the entries of its log begin behind that event. Event numbers have no gap, so
 * the first entry says it; a log without entries has no other event.
 */
const IS_QUEUED_BY_ROW = `j.last_seq > 0 AND COALESCE((
              SELECT l.seq - COALESCE(json_array_length(l.events), 0) FROM job_log l
              WHERE l.job_id = j.id ORDER BY l.seq, l.entry_no LIMIT 1
            ), 1) > 0`

/**
 * `behind`: the number of the event before an entry. The stored sizes are added up first, because Postgres knows them without
 * unpacking the values. The texts are measured only where they could take too much once they are parsed. The first entry is always read.
 * Entry 0 is that of the job's row.
 */
const EVENTS = `
SELECT job, number = count AS "isNewest", seq, entry_no AS "entryNo", format, at, changes, events FROM (
  SELECT measured.*, sum(bytes) OVER (ORDER BY number) - bytes AS "bytesBefore" FROM (
    SELECT unpacked.*, CASE WHEN sum(length) OVER () * ${1 + ITEM_BYTES} <= $5 THEN length
      ELSE ${parsedBytesSql('events::text')} + COALESCE(${parsedBytesSql('changes::text')}, 0) END AS bytes
    FROM (
      SELECT found.job, found.number, found.count, found.seq, found.entry_no, COALESCE(l.format, 1) AS format,
        ${millisecondsSql('COALESCE(l.at, found.created_at)')} AS at, l.changes, COALESCE(l.events, '${QUEUED}') AS events,
        octet_length(COALESCE(l.events::text, '${QUEUED}')) + COALESCE(octet_length(l.changes::text), 0) AS length
      FROM (
        SELECT w.place AS job, j.id, j.created_at, entry.seq, entry.entry_no, count(*) OVER () AS count,
          row_number() OVER earlier AS number, sum(entry.stored) OVER earlier - entry.stored AS "storedBefore"
        FROM unnest($1::text[], $2::uuid[], $3::int[]) WITH ORDINALITY AS w(owner_id, id, after, place)
        JOIN jobs j ON j.id = w.id AND j.owner_id = w.owner_id
        CROSS JOIN LATERAL (
          SELECT 1 AS seq, 0 AS entry_no, 0 AS behind, 0 AS stored WHERE w.after = 0 AND ${IS_QUEUED_BY_ROW}
          UNION ALL
          (SELECT l.seq, l.entry_no, lag(l.seq, 1, w.after) OVER (ORDER BY l.seq) AS behind,
            pg_column_size(l.events) + COALESCE(pg_column_size(l.changes), 0) AS stored
          FROM job_log l WHERE l.job_id = j.id AND l.seq > w.after AND l.events IS NOT NULL
          ORDER BY l.seq LIMIT GREATEST($4::int - w.after, 0))
        ) AS entry
        WHERE entry.behind < $4::int
        WINDOW earlier AS (ORDER BY w.place, entry.seq)
      ) AS found
      LEFT JOIN job_log l ON l.job_id = found.id AND l.seq = found.seq AND l.entry_no = found.entry_no
      WHERE found."storedBefore" < $5
    ) AS unpacked
  ) AS measured
) AS summed
WHERE "bytesBefore" < $5
ORDER BY number`
