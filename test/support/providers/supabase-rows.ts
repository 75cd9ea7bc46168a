import type { Json, JsonObject } from '../../../src/lib/json/json.ts'

/** PostgREST's reading of a query, as far as blocks use it: which rows it keeps, and in what order. */
export function rowsOf(rows: readonly JsonObject[], query: URLSearchParams): readonly JsonObject[] {
  const tests = [...query].flatMap(([name, text]) => testsOf(name, text))
  const kept = rows.filter((row) => tests.every((test) => test(row)))
  const order = (query.get('order') ?? '').split(',').filter(Boolean)
  return order.length === 0 ? kept : [...kept].sort((one, other) => compared(one, other, order))
}

/** The columns that are asked for. */
export function columnsOf(row: JsonObject, select: string | null): JsonObject {
  if (select === null || select === '*') return row
  return Object.fromEntries(select.split(',').map((column) => [column, row[column] ?? null]))
}

type Test = (row: JsonObject) => boolean
const NOT_FILTERS = ['select', 'order', 'limit', 'offset', 'on_conflict', 'columns']

function testsOf(name: string, text: string): readonly Test[] {
  if (NOT_FILTERS.includes(name)) return []
  if (name !== 'or') return [testOf(name, text)]
  const any = splitList(text.slice(1, -1)).map((part) => {
    const dot = part.indexOf('.')
    return testOf(part.slice(0, dot), part.slice(dot + 1), unquoted)
  })
  return [(row) => any.some((test) => test(row))]
}

function testOf(column: string, text: string, read: (text: string) => string = (value) => value): Test {
  if (text.startsWith('not.')) {
    const test = testOf(column, text.slice(4), read)
    return (row) => !test(row)
  }
  const dot = text.indexOf('.')
  const operator = text.slice(0, dot)
  const operand = text.slice(dot + 1)
  return (row) => passes(row[column] ?? null, operator, operator === 'in' ? operand : read(operand))
}

function passes(value: Json, operator: string, operand: string): boolean {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const order = typeof value === 'number' ? value - Number(operand) : text.localeCompare(operand)
  switch (operator) {
    case 'eq':
      return value !== null && text === operand
    case 'neq':
      return value !== null && text !== operand
    case 'gt':
      return value !== null && order > 0
    case 'gte':
      return value !== null && order >= 0
    case 'lt':
      return value !== null && order < 0
    case 'lte':
      return value !== null && order <= 0
    case 'like':
    case 'ilike':
      return pattern(operand, operator === 'ilike').test(text)
    case 'is':
      return text === operand
    case 'in':
      return splitList(operand.slice(1, -1)).map(unquoted).includes(text)
    case 'cs':
      return splitList(operand.slice(1, -1))
        .map(unquoted)
        .every((item) => (value as string[]).includes(item))
    case 'cd':
      return (value as string[]).every((item) => splitList(operand.slice(1, -1)).map(unquoted).includes(item))
    default:
      throw new Error(`the stand-in knows no operator ${operator}`)
  }
}

function pattern(text: string, ignoresCase: boolean): RegExp {
  const source = text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/[*%]/g, '.*')
  return new RegExp(`^${source}$`, ignoresCase ? 'i' : '')
}

/** Splits at commas outside quotes and parentheses. */
function splitList(text: string): string[] {
  const parts: string[] = []
  let part = ''
  let isQuoted = false
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const mark = text.charAt(i)
    if (mark === '\\' && isQuoted) part += mark + text.charAt(++i)
    else if (mark === ',' && !isQuoted && depth === 0) {
      parts.push(part)
      part = ''
    } else {
      if (mark === '"') isQuoted = !isQuoted
      if (!isQuoted && mark === '(') depth++
      if (!isQuoted && mark === ')') depth--
      part += mark
    }
  }
  return text === '' ? [] : [...parts, part]
}

function unquoted(text: string): string {
  return text.startsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text
}

function compared(one: JsonObject, other: JsonObject, order: readonly string[]): number {
  for (const term of order) {
    const [column = '', direction] = term.split('.')
    const [a, b] = [one[column] ?? null, other[column] ?? null]
    if (a === b) continue
    // Postgres puts null last in ascending order.
    const isGreater = a === null || (b !== null && a > b)
    return isGreater === (direction !== 'desc') ? 1 : -1
  }
  return 0
}
