import { Environment, ParseError, type ASTNode } from '@marcbachmann/cel-js'
import { ExpressionError } from './values/index.ts'

/** The longest source, in UTF-16 units. */
const MAX_SOURCE = 4 * 1024
const MAX_NODES = 2_000
/** How deep parentheses, calls, literals and paths nest. */
const MAX_NESTING = 100
/** How deep the syntax tree is: a chain such as `a + b + c` is one level a link. */
const MAX_DEPTH = 250

// Only the library's parser is used. Its evaluator cannot be bounded from outside: the loops hidden in `in` and `==`
// do not pass any hook, `&&`, `||`, `exists` and `all` swallow whatever a hook throws, operators that exist cannot be
// replaced, and a JSON member named `constructor` breaks it.
const parser = new Environment({
  unlistedVariablesAreDyn: true,
  enableOptionalTypes: true,
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: MAX_NODES, maxDepth: MAX_NESTING },
})

/** Parses CEL within the limits; throws `ExpressionError`. */
export function parse(source: string): ASTNode {
  if (source.length > MAX_SOURCE) throw tooLarge(source, `is longer than ${MAX_SOURCE} characters`)
  const tree = parseUnlimited(source)
  if (depthOf(tree) > MAX_DEPTH) throw tooLarge(source, `is nested deeper than ${MAX_DEPTH} levels`)
  return tree
}

function parseUnlimited(source: string): ASTNode {
  try {
    return parser.parse(source).ast
  } catch (thrown) {
    if (thrown instanceof ParseError) throw translated(thrown, source)
    throw tooLarge(source, 'cannot be parsed', thrown)
  }
}

function tooLarge(source: string, why: string, cause?: unknown): ExpressionError {
  const range = { start: 0, end: source.length }
  return new ExpressionError('EXPRESSION_TOO_LARGE', `the expression ${why}`, { range, cause })
}

/** The nodes right below a node, in source order. */
export function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return []
    case '.':
    case '.?':
      return [node.args[0]]
    case '!_':
    case '-_':
      return [node.args]
    case 'call':
      return node.args[1]
    case 'rcall':
      return [node.args[1], ...node.args[2]]
    case 'map':
      return node.args.flat()
    default:
      return node.args
  }
}

/** How many nodes a tree has. */
export function sizeOf(tree: ASTNode): number {
  const pending = [tree]
  let size = 0
  for (let node = pending.pop(); node; node = pending.pop()) {
    size++
    pending.push(...childrenOf(node))
  }
  return size
}

function depthOf(tree: ASTNode): number {
  const pending = [{ node: tree, depth: 1 }]
  let deepest = 0
  for (let next = pending.pop(); next; next = pending.pop()) {
    deepest = Math.max(deepest, next.depth)
    for (const node of childrenOf(next.node)) pending.push({ node, depth: next.depth + 1 })
  }
  return deepest
}

function translated(error: ParseError, source: string): ExpressionError {
  const range = within(source, error.range)
  if (error.code === 'limit_exceeded') {
    return new ExpressionError('EXPRESSION_TOO_LARGE', 'the expression is too large or nested too deep', {
      range,
    })
  }
  const suggestion =
    error.code === 'unexpected_character' ? MEANT.get(source.slice(range.start, range.end)) : undefined
  return new ExpressionError('EXPRESSION_SYNTAX', plain(error.summary), { range, suggestion })
}

function within(source: string, range: { start: number; end: number } | undefined) {
  const start = Math.min(Math.max(range?.start ?? 0, 0), source.length)
  return { start, end: Math.min(Math.max(range?.end ?? source.length, start), source.length) }
}

/** What is usually meant by the characters of other languages. */
const MEANT = new Map([
  ['=', '=='],
  ['&', '&&'],
  ['|', '||'],
  ['`', '"'],
])

const TOKENS: Readonly<Record<string, string>> = {
  EOF: 'the end',
  NUMBER: 'a number',
  STRING: 'a string',
  BYTES: 'bytes',
  BOOLEAN: 'true or false',
  NULL: 'null',
  IDENTIFIER: 'a name',
  PLUS: '"+"',
  MINUS: '"-"',
  MULTIPLY: '"*"',
  DIVIDE: '"/"',
  MODULO: '"%"',
  EQ: '"=="',
  NE: '"!="',
  LT: '"<"',
  LE: '"<="',
  GT: '">"',
  GE: '">="',
  AND: '"&&"',
  OR: '"||"',
  NOT: '"!"',
  IN: '"in"',
  LPAREN: '"("',
  RPAREN: '")"',
  LBRACKET: '"["',
  RBRACKET: '"]"',
  LBRACE: '"{"',
  RBRACE: '"}"',
  DOT: '"."',
  COMMA: '","',
  COLON: '":"',
  QUESTION: '"?"',
}

/** The parser's message with its token names spelled as they are written. */
function plain(summary: string): string {
  const [first = '', ...rest] = summary
  if (!/^(Expected|Unexpected token)/.test(summary)) return first.toLowerCase() + rest.join('')
  return (first.toLowerCase() + rest.join('')).replace(/\b[A-Z]{2,}\b/g, (name) => TOKENS[name] ?? name)
}
