import {
  compileExpression,
  ExpressionError,
  Meter,
  type Expression,
  type Scope,
  type SourceRange,
} from '../../cel/index.ts'
import type { Json } from '../../lib/json/index.ts'
import { inOneGo, type Pieces } from '../../lib/turns/index.ts'

const OPEN = '{{'
const CLOSE = '}}'
const MAX_EXPRESSIONS = 1_000
/** The longest text that a template may make, in UTF-16 units. */
const MAX_TEXT = 4 * 1024 * 1024

/** An expression within a text. */
export interface TemplateExpression {
  readonly expression: Expression
  /** Where the expression's first character stands in the text. */
  readonly offset: number
}

/**
 * A text with expressions between double braces. One expression that is the whole text gives its value as it is; mixed
 * text takes the values in: strings as they are, null as nothing, lists and maps as JSON. A literal `{{` is written
 * `{{ "{{" }}`.
 */
export interface Template {
  readonly text: string
  readonly parts: readonly (string | TemplateExpression)[]
  readonly isWhole: boolean
}

/** Whether the text holds an expression. */
export function isTemplate(text: string): boolean {
  return text.includes(OPEN)
}

/** How many expressions a text may hold: its opening braces, those inside of strings included. */
export function countExpressions(text: string): number {
  let count = 0
  for (let open = text.indexOf(OPEN); open >= 0; open = text.indexOf(OPEN, open + OPEN.length)) count++
  return count
}

/** Parses and checks a template, once; throws `ExpressionError` with a range in the whole text. */
export function compileTemplate(text: string): Template {
  return inOneGo(templatePieces(text))
}

/** The same in pieces: a text may hold a thousand long expressions. */
export function* templatePieces(text: string): Pieces<Template> {
  const parts: (string | TemplateExpression)[] = []
  let count = 0
  let at = 0
  for (let open = text.indexOf(OPEN); open >= 0; open = text.indexOf(OPEN, at)) {
    if (++count > MAX_EXPRESSIONS) throw tooMany(text)
    if (open > at) parts.push(text.slice(at, open))
    const close = findClose(text, open)
    parts.push(compilePart(text, { start: open + OPEN.length, end: close }))
    yield
    at = close + CLOSE.length
  }
  if (at < text.length) parts.push(text.slice(at))
  return { text, parts, isWhole: parts.length === 1 && typeof parts[0] !== 'string' }
}

/** The template's value, on one meter; throws `ExpressionError` with a range in the whole text. */
export function renderTemplate({ text, parts, isWhole }: Template, scope: Scope, meter = new Meter()): Json {
  const [first] = parts
  if (isWhole && typeof first === 'object') return evaluatePart(first, scope, meter)
  let rendered = ''
  for (const part of parts) {
    rendered += typeof part === 'string' ? part : textOf(evaluatePart(part, scope, meter))
    if (rendered.length > MAX_TEXT) throw tooLong(text)
  }
  return rendered
}

function compilePart(text: string, range: SourceRange): TemplateExpression {
  const inside = text.slice(range.start, range.end)
  const source = inside.trim()
  const offset = source === '' ? range.start : range.start + inside.indexOf(source)
  return { expression: shifting(() => compileExpression(source), { offset, length: source.length }), offset }
}

function evaluatePart({ expression, offset }: TemplateExpression, scope: Scope, meter: Meter): Json {
  return shifting(() => expression.evaluate(scope, meter), { offset, length: expression.source.length })
}

function shifting<T>(work: () => T, place: { offset: number; length: number }): T {
  try {
    return work()
  } catch (thrown) {
    throw thrown instanceof ExpressionError ? thrown.shifted(place) : thrown
  }
}

function textOf(value: Json): string {
  if (typeof value === 'string') return value
  return value === null ? '' : JSON.stringify(value)
}

/**
 * Where the braces close that open an expression. Braces inside of strings and comments do not count, and those of maps
 * close first: `{{ {"a": {"b": 1}} }}`.
 */
function findClose(text: string, open: number): number {
  let depth = 0
  let at = open + OPEN.length
  while (at < text.length) {
    if (depth === 0 && text.startsWith(CLOSE, at)) return at
    const char = text[at]
    if (char === '{') depth++
    if (char === '}') depth = Math.max(0, depth - 1)
    if (char === '"' || char === "'") at = endOfString(text, at)
    else at = text.startsWith('//', at) ? endOfLine(text, at) : at + 1
  }
  throw syntaxError(`"${OPEN}" is not closed by "${CLOSE}"`, { start: open, end: text.length })
}

/** Behind the closing quote. A backslash takes the next character with it, in raw strings too. */
function endOfString(text: string, start: number): number {
  const quote = text.charAt(start)
  const isTriple = text.startsWith(quote.repeat(3), start)
  const close = isTriple ? quote.repeat(3) : quote
  for (let at = start + close.length; at < text.length; at++) {
    if (text.startsWith(close, at)) return at + close.length
    // The end of the line is not looked for in advance: a text of many strings would be searched for each of them.
    if (!isTriple && text[at] === '\n') break
    if (text[at] === '\\') at++
  }
  const end = isTriple ? text.length : endOfLine(text, start)
  throw syntaxError('the string that starts here is not closed', { start, end })
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\n', start)
  return end < 0 ? text.length : end
}

function syntaxError(message: string, range: SourceRange): ExpressionError {
  return new ExpressionError('EXPRESSION_SYNTAX', message, { range })
}

function tooMany(text: string): ExpressionError {
  const range = { start: 0, end: text.length }
  return new ExpressionError(
    'EXPRESSION_TOO_LARGE',
    `a text may hold ${MAX_EXPRESSIONS} expressions at most`,
    { range },
  )
}

function tooLong(text: string): ExpressionError {
  const range = { start: 0, end: text.length }
  return new ExpressionError('EXPRESSION_TOO_COSTLY', `the text becomes longer than ${MAX_TEXT} characters`, {
    range,
  })
}
