import { z } from 'zod'
import { assertNever } from '../../../lib/index.ts'
import type { Json } from '../../../lib/json/index.ts'

export const FILTER_OPERATORS = [
  'eq',
  'neq',
  'gt',
  'gte',
  'lt',
  'lte',
  'like',
  'ilike',
  'is',
  'in',
  'cs',
  'cd',
] as const
type FilterOperator = (typeof FILTER_OPERATORS)[number]

/** Query parameters of the API itself, which a column of that name would be taken for. */
const RESERVED: readonly string[] = [
  'select',
  'order',
  'limit',
  'offset',
  'and',
  'or',
  'not',
  'columns',
  'on_conflict',
]

const columnSchema = z
  .string()
  .min(1)
  .refine(
    (column) => !RESERVED.includes(column),
    'is a word of the API; give the column another name in a view',
  )

export const filterSchema = z
  .strictObject({
    column: columnSchema,
    operator: z.enum(FILTER_OPERATORS).default('eq'),
    value: z.json(),
    not: z.boolean().default(false),
  })
  .superRefine(({ operator, value }, context) => {
    const problem = valueProblem(operator, value)
    if (problem) context.addIssue({ code: 'custom', message: problem, path: ['value'] })
  })
export type Filter = z.output<typeof filterSchema>

function valueProblem(operator: FilterOperator, value: Json): string | null {
  switch (operator) {
    case 'is':
      return [null, true, false, 'unknown'].includes(value as never)
        ? null
        : 'must be null, true, false or "unknown"'
    case 'in':
      return Array.isArray(value) && value.every(isScalar)
        ? null
        : 'must be a list of texts, numbers or booleans'
    case 'cs':
    case 'cd':
      return typeof value === 'object' && value !== null ? null : 'must be a list or an object'
    case 'eq':
    case 'neq':
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
    case 'like':
    case 'ilike':
      if (value === null) return 'cannot be null: use the operator "is"'
      return isScalar(value) ? null : 'must be a text, number or boolean'
    default:
      return assertNever(operator)
  }
}

type Scalar = string | number | boolean

function isScalar(value: Json): value is Scalar {
  return ['string', 'number', 'boolean'].includes(typeof value)
}

/** The parameters that keep only rows which pass all filters and, if there are any, one of `anyOf`. */
export function filterQuery(
  filters: readonly Filter[],
  anyOf: readonly Filter[],
): Readonly<Record<string, readonly string[]>> {
  const query: Record<string, string[]> = {}
  for (const filter of filters) (query[filter.column] ??= []).push(condition(filter, textOf))
  // Within a list of conditions, commas and parentheses of a value would end it.
  if (anyOf.length > 0)
    query['or'] = [`(${anyOf.map((filter) => `${filter.column}.${condition(filter, quoted)}`).join(',')})`]
  return query
}

function condition({ operator, value, not }: Filter, write: (value: Json) => string): string {
  return `${not ? 'not.' : ''}${operator}.${operand(operator, value, write)}`
}

function operand(operator: FilterOperator, value: Json, write: (value: Json) => string): string {
  if (operator === 'in') return `(${(value as readonly Json[]).map(quoted).join(',')})`
  if (operator !== 'cs' && operator !== 'cd') return write(value)
  const literal = Array.isArray(value) ? `{${value.map(quotedAlways).join(',')}}` : JSON.stringify(value)
  return write(literal)
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** In double quotes where it holds something that has a meaning of its own. */
function quoted(value: Json): string {
  const text = textOf(value)
  return /^[^\s,.:()"\\{}]+$/.test(text) ? text : quotedAlways(text)
}

function quotedAlways(value: Json): string {
  return `"${textOf(value).replace(/[\\"]/g, (mark) => `\\${mark}`)}"`
}
