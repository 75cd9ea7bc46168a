import { defineFunction } from './function.ts'
import { extractByPattern, matchesPattern, replaceByPattern } from './regex.ts'

/** What stands in for CEL's `matches()`: patterns are RE2's, written out in the source and compiled with it. */
export const REGEX_FUNCTIONS = [
  defineFunction({
    name: 'regexMatch',
    visits: 6,
    group: 'text',
    description:
      'Whether the pattern fits some part of the text; `^` and `$` tie it to the ends. Patterns are RE2.',
    example: 'regexMatch("ada@example.com", "^[^@ ]+@[^@ ]+$")',
    result: true,
    parameters: ['text: string', 'pattern: regex'],
    returns: 'bool',
    run: ({ meter }, text, pattern) => matchesPattern(pattern, text, meter),
  }),
  defineFunction({
    name: 'regexExtract',
    visits: 6,
    group: 'text',
    description:
      'The first group of the first match, or the whole match of a pattern without groups, or null.',
    example: 'regexExtract("Order 4711 of May", "Order ([0-9]+)")',
    result: '4711',
    parameters: ['text: string', 'pattern: regex'],
    returns: 'string',
    run: ({ meter }, text, pattern) => extractByPattern(pattern, text, meter),
  }),
  defineFunction({
    name: 'regexReplace',
    visits: 6,
    group: 'text',
    description:
      'The text with every match replaced; `$1` to `$9` are groups, `$0` the match, `$$` a dollar sign.',
    example: 'regexReplace("+49 (0)30 123", "[^0-9]", "")',
    result: '49030123',
    parameters: ['text: string', 'pattern: regex', 'replacement: string'],
    returns: 'string',
    run: ({ meter }, text, pattern, replacement) => replaceByPattern(pattern, text, replacement, meter),
  }),
]
