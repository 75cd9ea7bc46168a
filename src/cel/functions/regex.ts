import type { ASTNode } from '@marcbachmann/cel-js'
import { RE2JS } from 're2js'
import { messageOf } from '../../lib/index.ts'
import { CountedText, ExpressionError, failed, MAX_TEXT, tooCostly, type Meter } from '../values/index.ts'

const MAX_PATTERN = 256
/** In instructions of the compiled pattern, which repeats such as `{100}` multiply. */
const MAX_PROGRAM = 500
/** A visit pays for reading one character with a pattern of so many instructions. */
const INSTRUCTIONS_PER_VISIT = 32
/** To find one match and to put a replacement in its place takes as long as that many visits. */
const VISITS_PER_MATCH = 10

/**
 * Compiles a pattern that stands in the source as a string. Its syntax is RE2's: no look-around and no back references,
 * and so no backtracking.
 */
export function compilePattern(node: ASTNode): RE2JS {
  const { range } = node
  if (node.op !== 'value' || typeof node.args !== 'string') {
    throw new ExpressionError('EXPRESSION_TYPE', 'a pattern must be written out as a string', { range })
  }
  if (node.args.length > MAX_PATTERN) {
    throw new ExpressionError('EXPRESSION_TOO_LARGE', `a pattern has at most ${MAX_PATTERN} characters`, {
      range,
    })
  }
  const pattern = parsePattern(node.args, node)
  if (pattern.programSize() > MAX_PROGRAM) {
    throw new ExpressionError('EXPRESSION_TOO_LARGE', 'the pattern repeats too much', { range })
  }
  return pattern
}

function parsePattern(source: string, { range }: ASTNode): RE2JS {
  try {
    return RE2JS.compile(source)
  } catch (thrown) {
    throw new ExpressionError('EXPRESSION_SYNTAX', `the pattern is wrong: ${messageOf(thrown)}`, {
      range,
      cause: thrown,
    })
  }
}

/** Whether some part of the text fits. */
export function matchesPattern(pattern: RE2JS, text: string, meter: Meter): boolean {
  return counting(pattern, text, meter, (counted) => pattern.test(counted))
}

/** The first group of the first match, or the whole match of a pattern without groups; null without a match. */
export function extractByPattern(pattern: RE2JS, text: string, meter: Meter): string | null {
  return counting(pattern, text, meter, (counted) => {
    const matcher = pattern.matcher(counted)
    return matcher.find() ? matcher.group(Math.min(1, matcher.groupCount())) : null
  })
}

/** Replaces every match; in the replacement `$1` to `$9` are the groups, `$0` the match, and `$$` is a dollar sign. */
export function replaceByPattern(pattern: RE2JS, text: string, replacement: string, meter: Meter): string {
  meter.characters(replacement.length)
  const pieces = piecesOf(replacement, pattern.groupCount())
  return counting(pattern, text, meter, (counted) => {
    const matcher = pattern.matcher(counted)
    let made = ''
    let end = 0
    while (matcher.find()) {
      meter.spend(VISITS_PER_MATCH + pieces.length)
      made += text.slice(end, matcher.start())
      for (const piece of pieces) made += typeof piece === 'string' ? piece : (matcher.group(piece) ?? '')
      if (made.length > MAX_TEXT) break
      end = matcher.end()
    }
    made += text.slice(end)
    meter.text(made.length)
    return made
  })
}

/** A replacement as literal text and numbers of groups. */
function piecesOf(replacement: string, groups: number): readonly (string | number)[] {
  return replacement.split(/(\$[$0-9])/).map((piece) => {
    if (piece === '$$') return '$'
    if (!/^\$[0-9]$/.test(piece)) return piece
    if (Number(piece[1]) > groups) throw failed(`the pattern has no group ${piece}`)
    return Number(piece[1])
  })
}

function counting<T>(pattern: RE2JS, text: string, meter: Meter, read: (text: string) => T): T {
  const cost = pattern.programSize() / INSTRUCTIONS_PER_VISIT
  const reads = Math.floor(meter.left / cost)
  const counted = new CountedText(text, reads, () => {
    throw tooCostly('searches too much text for a pattern')
  })
  const result = read(counted as unknown as string)
  meter.spend(Math.ceil((reads - counted.left) * cost))
  return result
}
