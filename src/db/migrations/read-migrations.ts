import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isEarlierMinor, LumeError } from '../../lib/index.ts'

export interface Migration {
  readonly name: string
  readonly sql: string
  /** Null: it was written before migrations had marks. */
  readonly mark: MigrationMark | null
}

/**
 * What the first line of a migration says of it. `expand`: builds that do not know it keep working. `contract`: builds older than
 * `minBuild` do not.
 *
 * - `schema`: the file is run in one transaction.
 * - `indexes`: the file holds `CREATE INDEX` statements only, which are built without keeping others from writing.
 * - `backFill`: the file is one statement that changes one batch of rows, and is run until it returns no `next` (see `back-fill.ts`).
 */
export type MigrationMark =
  | { readonly kind: 'expand'; readonly step: 'schema' | 'indexes' | 'backFill' }
  | { readonly kind: 'contract'; readonly step: 'schema'; readonly minBuild: string }

/** An index that a migration of the step `indexes` builds. */
export interface NewIndex {
  readonly name: string
  readonly table: string
  /** The statement without `CONCURRENTLY`. */
  readonly sql: string
}

/** Migrations from here back were released without marks. */
const LAST_UNMARKED = 20261130190000

const MARK = /^-- lume: (?:(expand)(?:, (indexes|back-fill))?|contract (\d+\.\d+\.\d+))$/
const MARK_HELP =
  'its first line must be "-- lume: expand", "-- lume: expand, indexes", "-- lume: expand, back-fill" or "-- lume: contract <oldest ' +
  'build that works with it>" (see CONTRIBUTING.md)'

const INDEX = /^CREATE (?:UNIQUE )?INDEX "?(\w+)"? ON "?(\w+)"?[^;]*$/i

/** What an older build cannot work with. */
const BREAKING: readonly { readonly pattern: RegExp; readonly what: string }[] = [
  { pattern: /\bDROP\s+(?:TABLE|COLUMN|VIEW|FUNCTION)\b/i, what: 'drops what older builds use' },
  { pattern: /\bRENAME\b/i, what: 'renames what older builds use' },
  { pattern: /\bSET\s+NOT\s+NULL\b/i, what: 'demands a value that older builds do not write' },
  { pattern: /\bALTER\s+COLUMN\s+\S+\s+(?:SET\s+DATA\s+)?TYPE\b/i, what: 'changes the type of a column' },
  {
    pattern: /\bADD\s+COLUMN\s+(?![^,;]*\bDEFAULT\b)[^,;]*\bNOT\s+NULL\b/i,
    what: 'demands a value that older builds do not write; give the column a default',
  },
]

/**
 * Reads the migrations of a folder, in the order of their names. `build`: the version that ships them.
 *
 * Throws a LumeError MIGRATION_INVALID for a migration that needs a mark and has none, that holds what its mark excludes, or that is a
 * contract for builds of the same minor version.
 */
export async function readMigrations(directory: string, build: string): Promise<readonly Migration[]> {
  const entries = await readdir(directory, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  return Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(join(directory, name, 'migration.sql'), 'utf8')
      return { name, sql, mark: markOf(name, sql, build) }
    }),
  )
}

/** The indexes of a migration of the step `indexes`. Throws MIGRATION_INVALID if it holds anything else. */
export function indexesOf({ name, sql }: Pick<Migration, 'name' | 'sql'>): readonly NewIndex[] {
  return statementsOf(sql).map((statement) => {
    const [, index, table] = INDEX.exec(statement) ?? []
    if (index === undefined || table === undefined)
      throw invalid(
        name,
        'it is marked "indexes" and may hold statements such as CREATE INDEX "name" ON "table" (…) only',
      )
    return { name: index, table, sql: statement }
  })
}

function markOf(name: string, sql: string, build: string): MigrationMark | null {
  if (Number.parseInt(name, 10) <= LAST_UNMARKED) return null
  const [first = ''] = sql.split(/\r?\n/, 1)
  const found = MARK.exec(first)
  if (!found) throw invalid(name, MARK_HELP)
  const [, expand, step, minBuild] = found
  if (minBuild !== undefined) {
    if (!isEarlierMinor(minBuild, build))
      throw invalid(
        name,
        `builds from ${minBuild} on work with it: it may ship with a later minor version, and this is ${build}`,
      )
    return { kind: 'contract', step: 'schema', minBuild }
  }
  if (expand === undefined) throw invalid(name, MARK_HELP)
  if (step === 'back-fill') return { kind: 'expand', step: 'backFill' }
  if (step === 'indexes') {
    indexesOf({ name, sql })
    return { kind: 'expand', step: 'indexes' }
  }
  requireExpand(name, sql)
  return { kind: 'expand', step: 'schema' }
}

function requireExpand(name: string, sql: string): void {
  const statements = statementsOf(sql)
  const created = new Set(
    statements.map((statement) => /^CREATE TABLE (?:IF NOT EXISTS )?"?(\w+)"?/i.exec(statement)?.[1]),
  )
  for (const statement of statements) {
    // A function may do anything when it is called.
    if (/^CREATE (?:OR REPLACE )?FUNCTION/i.test(statement)) continue
    const broken = BREAKING.find(({ pattern }) => pattern.test(statement))
    if (broken) throw invalid(name, `it is marked "expand" and ${broken.what}: ${shortened(statement)}`)
    const table = INDEX.exec(statement)?.[2]
    if (table !== undefined && !created.has(table))
      throw invalid(
        name,
        `it keeps others from writing to ${table} while it builds an index: move that to a migration marked "expand, indexes"`,
      )
  }
}

/** The statements without comments at the beginning of a line. Bodies of functions are kept together. */
function statementsOf(sql: string): readonly string[] {
  const text = sql.replaceAll(/^\s*--.*$/gm, '')
  const statements: string[] = ['']
  for (const [place, part] of text.split('$$').entries()) {
    const pieces = place % 2 === 1 ? [`$$${part}$$`] : part.split(';')
    statements[statements.length - 1] += pieces[0] ?? ''
    statements.push(...pieces.slice(1))
  }
  return statements.map((statement) => statement.trim()).filter((statement) => statement !== '')
}

function shortened(statement: string): string {
  return statement.replaceAll(/\s+/g, ' ').slice(0, 80)
}

function invalid(name: string, reason: string): LumeError {
  return new LumeError('MIGRATION_INVALID', `migration ${name} cannot be used: ${reason}`)
}
