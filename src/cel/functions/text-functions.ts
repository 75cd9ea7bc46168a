import { failed, MAX_ITEMS, pointsBefore, scalarText, unitOf, type Meter } from '../values/index.ts'
import { defineFunction } from './function.ts'

/** Positions count code points, as CEL has it, so that no character is ever cut in half. */
export const TEXT_FUNCTIONS = [
  ...(['lower', 'lowerAscii'] as const).map((name) =>
    defineFunction({
      name,
      visits: 3,
      group: 'text',
      description: 'The text in lower case.',
      example: `${name}("Ada@Example.COM")`,
      result: 'ada@example.com',
      parameters: ['text: string'],
      returns: 'string',
      run: ({ meter }, text) => rewritten(text, (it) => it.toLowerCase(), meter),
    }),
  ),
  ...(['upper', 'upperAscii'] as const).map((name) =>
    defineFunction({
      name,
      visits: 3,
      group: 'text',
      description: 'The text in upper case.',
      example: `${name}("de")`,
      result: 'DE',
      parameters: ['text: string'],
      returns: 'string',
      run: ({ meter }, text) => rewritten(text, (it) => it.toUpperCase(), meter),
    }),
  ),
  defineFunction({
    name: 'trim',
    visits: 3,
    group: 'text',
    description: 'The text without white space at its ends.',
    example: 'trim("  Ada ")',
    result: 'Ada',
    parameters: ['text: string'],
    returns: 'string',
    run: ({ meter }, text) => rewritten(text, (it) => it.trim(), meter),
  }),
  defineFunction({
    name: 'split',
    visits: 3,
    group: 'text',
    description: 'The parts of the text between the separators; an empty separator gives the characters.',
    example: 'split("a,b,c", ",")',
    result: ['a', 'b', 'c'],
    parameters: ['text: string', 'separator: string'],
    returns: 'list',
    run({ meter }, text, separator) {
      meter.search(text, separator)
      const parts = separator === '' ? charactersOf(text, meter) : text.split(separator, MAX_ITEMS + 1)
      meter.list(parts.length)
      meter.spend(parts.length)
      return parts
    },
  }),
  defineFunction({
    name: 'join',
    visits: 3,
    group: 'text',
    description: 'One text of a list of strings, numbers and bools, with the separator between them.',
    example: 'join(["a", "b", "c"], ", ")',
    result: 'a, b, c',
    parameters: ['list: list', 'separator?: string'],
    returns: 'string',
    run({ meter }, list, separator = '') {
      meter.spend(list.length)
      const texts = list.map(scalarText)
      meter.text(texts.reduce((length, text) => length + text.length + separator.length, 0))
      return texts.join(separator)
    },
  }),
  defineFunction({
    name: 'replace',
    visits: 3,
    group: 'text',
    description:
      'The text with every occurrence of a part replaced by another. An empty part occurs nowhere.',
    example: 'replace("a-b-c", "-", "+")',
    result: 'a+b+c',
    parameters: ['text: string', 'part: string', 'replacement: string'],
    returns: 'string',
    run({ meter }, text, part, replacement) {
      meter.search(text, part)
      if (part === '') return text
      let occurrences = 0
      for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) {
        meter.spend(1)
        occurrences++
      }
      meter.text(text.length + occurrences * (replacement.length - part.length))
      return text.split(part).join(replacement)
    },
  }),
  defineFunction({
    name: 'substring',
    visits: 5,
    group: 'text',
    description:
      'The characters from `start` up to, not including, `end`; positions beyond the text mean its end.',
    example: 'substring("workflow", 0, 4)',
    result: 'work',
    parameters: ['text: string', 'start: number', 'end?: number'],
    returns: 'string',
    run({ meter }, text, start, end) {
      // Characters beyond U+FFFF are counted one by one.
      meter.characters(text.length * 3)
      const from = position(start)
      const to = end === undefined ? Infinity : position(end)
      return text.slice(unitOf(text, from), unitOf(text, Math.max(from, to)))
    },
  }),
  defineFunction({
    name: 'startsWith',
    group: 'text',
    description: 'Whether the text starts with the other.',
    example: 'startsWith("https://lume.dev", "https://")',
    result: true,
    parameters: ['text: string', 'start: string'],
    returns: 'bool',
    run({ meter }, text, start) {
      meter.characters(start.length)
      return text.startsWith(start)
    },
  }),
  defineFunction({
    name: 'endsWith',
    group: 'text',
    description: 'Whether the text ends with the other.',
    example: 'endsWith("ada@example.com", ".com")',
    result: true,
    parameters: ['text: string', 'end: string'],
    returns: 'bool',
    run({ meter }, text, end) {
      meter.characters(end.length)
      return text.endsWith(end)
    },
  }),
  defineFunction({
    name: 'contains',
    visits: 3,
    group: 'text',
    description: 'Whether the text holds the other. For lists and maps there is `in`.',
    example: 'contains("Head of Sales", "Sales")',
    result: true,
    parameters: ['text: string', 'part: string'],
    returns: 'bool',
    run({ meter }, text, part) {
      meter.search(text, part)
      return text.includes(part)
    },
  }),
  defineFunction({
    name: 'indexOf',
    visits: 6,
    group: 'text',
    description: 'The position of the first occurrence of a part, from 0; -1 where there is none.',
    example: 'indexOf("ada@example.com", "@")',
    result: 3,
    parameters: ['text: string', 'part: string'],
    returns: 'number',
    run({ meter }, text, part) {
      meter.search(text, part)
      return pointsBefore(text, text.indexOf(part))
    },
  }),
  defineFunction({
    name: 'lastIndexOf',
    visits: 6,
    group: 'text',
    description: 'The position of the last occurrence of a part, from 0; -1 where there is none.',
    example: 'lastIndexOf("a/b/c", "/")',
    result: 3,
    parameters: ['text: string', 'part: string'],
    returns: 'number',
    run({ meter }, text, part) {
      meter.search(text, part)
      return pointsBefore(text, text.lastIndexOf(part))
    },
  }),
  defineFunction({
    name: 'domain',
    visits: 3,
    group: 'text',
    description: 'What follows the last @ of an email address, in lower case; empty where there is no @.',
    example: 'domain("Ada@Example.COM")',
    result: 'example.com',
    parameters: ['email: string'],
    returns: 'string',
    run({ meter }, email) {
      meter.characters(email.length)
      const at = email.lastIndexOf('@')
      return at < 0
        ? ''
        : email
            .slice(at + 1)
            .trim()
            .toLowerCase()
    },
  }),
]

function rewritten(text: string, rewrite: (text: string) => string, meter: Meter): string {
  meter.characters(text.length)
  const made = rewrite(text)
  meter.text(made.length)
  return made
}

function charactersOf(text: string, meter: Meter): string[] {
  // Two units may make one character, so only beyond twice the limit is it certain that there are too many.
  meter.list(Math.ceil(text.length / 2))
  return Array.from(text)
}

function position(value: number): number {
  if (Number.isInteger(value) && value >= 0) return value
  throw failed(`a position is a whole number from 0, not ${value}`)
}
