import { describe, expect, test } from '@jest/globals'
import { CORE_BLOCKS } from '../../../src/blocks/core/core-blocks.ts'
import { httpBlock } from '../../../src/blocks/http/http-block.ts'
import { providerBlocks } from '../../../src/blocks/providers.ts'
import { providerSettingsSchema } from '../../../src/blocks/providers/shared/provider-settings.ts'
import { BlockRegistry } from '../../../src/engine/block/registry.ts'
import { validateDefinition } from '../../../src/engine/validate/validate-definition.ts'
import type { Json, JsonObject } from '../../../src/lib/json/json.ts'
import { systemClock } from '../../../src/lib/time/clock.ts'
import { createHttpClient } from '../../../src/net/http-client.ts'
import { createTemplates } from '../../../src/workflows/template-files.ts'
import { instantiate, TemplateFaultError, type Template } from '../../../src/workflows/templates.ts'

function template(definition: JsonObject, parameters: JsonObject = PARAMETERS): Template {
  return { id: 'test', name: 'Test', description: 'Test', category: 'Test', parameters, definition }
}

const PARAMETERS: JsonObject = {
  type: 'object',
  required: ['url'],
  properties: {
    url: { type: 'string', pattern: '^https?://' },
    count: { type: 'integer', minimum: 1, default: 3 },
    tags: { type: 'array', items: { type: 'string' } },
  },
}

function made(definition: JsonObject, parameters: JsonObject): JsonObject {
  const instance = instantiate(template(definition), parameters)
  if (instance.kind !== 'made') throw new Error(JSON.stringify(instance.problems))
  return instance.definition
}

describe('a parameter', () => {
  test('is put in with its type by $param, and as text inside strings', () => {
    const definition = {
      nodes: [{ config: { url: { $param: 'url' }, list: [{ $param: 'tags' }, 1] } }],
      name: '${param.count} calls of ${param.url}',
    }
    expect(made(definition, { url: 'http://a', tags: ['x'] })).toEqual({
      nodes: [{ config: { url: 'http://a', list: [['x'], 1] } }],
      name: '3 calls of http://a',
    })
  })

  test('that is optional and not given leaves nothing behind', () => {
    const definition = { a: { $param: 'tags' }, b: [{ $param: 'tags' }, 1], c: 'tags: ${param.tags}' }
    expect(made(definition, { url: 'http://a' })).toEqual({ b: [1], c: 'tags: ' })
  })

  test('is put in as it is, whatever it looks like', () => {
    const url = 'http://a/${param.count}/$&/{{ input.x }}'
    expect(made({ a: { $param: 'url' }, b: '<${param.url}>' }, { url })).toEqual({ a: url, b: `<${url}>` })
  })

  test('beside other members is no parameter, and neither is one of another form', () => {
    const definition = { a: { $param: 'url', more: 1 }, b: { $param: 5 }, c: '${url} $param' }
    expect(made(definition, { url: 'http://a' })).toEqual(definition)
  })

  test.each<[what: string, parameters: JsonObject, pointer: string, message: RegExp]>([
    ['is missing', {}, '', /required property 'url'/],
    ['is of the wrong type', { url: 5 }, '/url', /must be string/],
    ['does not fit its pattern', { url: 'ftp://a' }, '/url', /pattern/],
    ['is out of bounds', { url: 'http://a', count: 0 }, '/count', />= 1/],
    ['has an item of the wrong type', { url: 'http://a', tags: [1] }, '/tags/0', /must be string/],
  ])('that %s is told with its place', (_what, parameters, pointer, message) => {
    expect(instantiate(template({ nodes: [] }), parameters)).toEqual({
      kind: 'misfit',
      problems: [{ pointer, message: expect.stringMatching(message) }],
    })
  })

  test('that the template does not declare is a fault of the template', () => {
    for (const definition of [
      { a: { $param: 'nope' } },
      { a: '${param.nope}' },
      { a: '${param.toString}' },
    ]) {
      expect(() => made(definition, { url: 'http://a' })).toThrow(TemplateFaultError)
    }
  })
})

test('a definition is not changed by being made into a workflow', () => {
  const definition = { a: { $param: 'url' } }
  made(definition, { url: 'http://a' })
  expect(definition).toEqual({ a: { $param: 'url' } })
})

/** Parameters that every template takes; a template that needs others is added here. */
const EXAMPLES: Readonly<Record<string, JsonObject>> = {
  'audience-refresh': { table: 'contacts', audienceId: '6008000000000' },
  'delayed-follow-up': { statusUrl: 'https://crm.example/status', followUpUrl: 'https://crm.example/send' },
  'human-approved-outreach': {
    offer: 'We make route planning for bicycle couriers.',
    sender: 'Ada of Acme',
    senderUrl: 'https://crm.example/send',
  },
  'lead-enrichment': { urls: ['https://www.instagram.com/acme/'], audienceId: '6008000000000' },
  'lead-filter': { receiverUrl: 'https://crm.example/leads' },
  'sentiment-digest': { receiverUrl: 'https://crm.example/digest' },
}

describe('the templates that come with Lume', () => {
  const registry = new BlockRegistry()
  const client = createHttpClient({ policy: () => ({ allowedHosts: [], allowedOrigins: [] }) })
  const ports = { client, providers: providerSettingsSchema.parse({}), clock: systemClock }
  for (const block of [...CORE_BLOCKS, httpBlock(ports), ...providerBlocks(ports)]) registry.register(block)

  const definitionOf = async (id: string): Promise<JsonObject> => {
    const instance = instantiate(await templateOf(id), EXAMPLES[id] ?? {})
    if (instance.kind !== 'made') throw new Error(JSON.stringify(instance.problems))
    return instance.definition
  }

  test.each(Object.keys(EXAMPLES))('%s makes a definition without a diagnostic', async (id) => {
    const document = await definitionOf(id)
    expect(validateDefinition(document as Json, { blocks: registry }).diagnostics).toEqual([])
  })

  test.each(Object.keys(EXAMPLES))('%s says what each parameter is', async (id) => {
    const { parameters } = await templateOf(id)
    for (const [name, schema] of Object.entries(parameters['properties'] as JsonObject)) {
      expect([name, schema]).toEqual([
        name,
        expect.objectContaining({ title: expect.any(String), description: expect.any(String) }),
      ])
    }
  })

  test.each(Object.keys(EXAMPLES))(
    '%s names every node, and chooses what becomes of a paid call that may have happened',
    async (id) => {
      for (const node of nodesOf(await definitionOf(id))) {
        expect([node['id'], node['name']]).toEqual([node['id'], expect.any(String)])
        const isPaidOnce = registry.get(node['type'] as string)?.repeat === 'never'
        if (isPaidOnce) expect([node['id'], node['onUnknown']]).toEqual([node['id'], expect.any(String)])
      }
    },
  )

  test('are found by their folders, in order', async () => {
    const ids = (await createTemplates().list()).map(({ id }) => id)
    expect(ids).toEqual(ids.toSorted())
    expect(ids).toEqual(expect.arrayContaining(Object.keys(EXAMPLES)))
    expect(await createTemplates().find('../../etc')).toBeNull()
  })
})

async function templateOf(id: string): Promise<Template> {
  const found = await createTemplates().find(id)
  if (!found) throw new Error(`there is no template ${id}`)
  return found
}

/** All nodes, those in the bodies of loops included. */
function nodesOf(graph: JsonObject): readonly JsonObject[] {
  const nodes = graph['nodes'] as readonly JsonObject[]
  return nodes.flatMap((node) => {
    const { body } = node['config'] as JsonObject
    return node['type'] === 'core.forEach' ? [node, ...nodesOf(body as JsonObject)] : [node]
  })
}
