import { readFileSync } from 'node:fs'
import { createContext, runInContext } from 'node:vm'
import { describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { httpBlock } from '../../../src/blocks/http/http-block.ts'
import { defineBlock } from '../../../src/engine/block/define-block.ts'
import { DIAGNOSTIC_CODES } from '../../../src/engine/definition/diagnostics.ts'
import { validateDefinition } from '../../../src/engine/validate/validate-definition.ts'
import { createHttpClient } from '../../../src/net/http-client.ts'
import { registryWith } from '../../support/run-definition.ts'

const page = readFileSync(new URL('../../../docs/diagnostics.md', import.meta.url), 'utf8')
const SECTION = /^## `(?<code>[A-Z_]+)`\n(?<mend>.*?)^```(?<language>json|js)\n(?<example>.*?)^```/gms
const sections = [...page.matchAll(SECTION)].map(({ groups = {} }) => groups)
const codes = Object.keys(DIAGNOSTIC_CODES)

const blocks = registryWith([
  httpBlock({ client: createHttpClient({ policy: () => ({ allowedHosts: [], allowedOrigins: [] }) }) }),
  defineBlock({
    type: 'acme.oldMail',
    name: 'Mail',
    description: 'Sends mail.',
    deprecated: 'Use acme.mail.',
    config: z.looseObject({}),
    output: z.null(),
    sample: null,
    run: () => Promise.reject(new Error('not run here')),
  }),
])

function documentOf({ language, example = '' }: (typeof sections)[number]): unknown {
  return language === 'json' ? JSON.parse(example) : runInContext(example, createContext({}))
}

describe('docs/diagnostics.md', () => {
  test('has a section for every code of the catalogue, in its order, and for no other', () => {
    expect(sections.map(({ code }) => code)).toEqual(codes)
    expect([...page.matchAll(/^## /gm)]).toHaveLength(codes.length)
  })

  test('has every code with its meaning in the table', () => {
    const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (.+) \|$/gm)].map(([, code, meaning]) => [
      code,
      meaning,
    ])
    expect(rows).toEqual(Object.entries(DIAGNOSTIC_CODES))
  })

  test.each(sections.map((section) => [section.code, section] as const))(
    '%s: the example gives it',
    (code, section) => {
      const { diagnostics } = validateDefinition(documentOf(section), { blocks, secretNames: new Set() })
      const found = new Set(diagnostics.map((diagnostic) => diagnostic.code))
      // A cycle is what makes the example's node unreachable.
      if (code === 'NODE_UNREACHABLE') found.delete('GRAPH_CYCLE')
      if (code === 'HANDLE_UNKNOWN') found.delete('NODE_UNREACHABLE')
      expect([...found]).toEqual([code])
    },
  )

  test('says of every code how to mend it', () => {
    for (const { mend = '' } of sections) expect(mend.trim()).toMatch(/^[A-Z].{40,}[.)]$/s)
  })
})

describe('the catalogue', () => {
  test('every code has a sentence', () => {
    for (const sentence of Object.values(DIAGNOSTIC_CODES)) expect(sentence).toMatch(/^[A-Z].*\.$/)
  })
})
