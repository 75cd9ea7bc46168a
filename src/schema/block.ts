import { z } from 'zod'
import type { Block, BlockCategory } from '../engine/block.ts'
import { builder } from './builder.ts'

const BlockCategoryEnum = builder.enumType('BlockCategory', {
  description: 'Where a block stands in the catalogue.',
  values: {
    CORE: { value: 'core', description: 'Control and data, without the outside.' },
    API: { value: 'api', description: 'Calls somebody’s API.' },
    AI: { value: 'ai', description: 'Asks a model.' },
    CUSTOM: { value: 'custom', description: 'Made by the people who run this Lume.' },
  } satisfies Record<Uppercase<BlockCategory>, unknown>,
})

const BlockEffectEnum = builder.enumType('BlockEffect', {
  description: 'What a block touches.',
  values: {
    PURE: { value: 'pure', description: 'Nothing: its result depends on recorded facts alone.' },
    EXTERNAL: {
      value: 'external',
      description: 'The outside: its result is committed before anything depends on it.',
    },
  } as const,
})

const BlockType = builder.objectRef<Block>('Block').implement({
  description: 'A kind of work that a node can do.',
  fields: (t) => ({
    type: t.exposeString('type', { description: 'The name that definitions use, such as `api.http`.' }),
    name: t.exposeString('name', { description: 'The name for people.' }),
    description: t.exposeString('description', { description: 'What it does.' }),
    category: t.field({
      type: BlockCategoryEnum,
      description: 'Where it stands.',
      resolve: ({ category }) => category,
    }),
    effect: t.field({
      type: BlockEffectEnum,
      description: 'What it touches.',
      resolve: ({ effect }) => effect,
    }),
    configSchema: t.field({
      type: 'JSON',
      description:
        'JSON Schema (2020-12) of a node’s config; any string in a config may be a template instead.',
      resolve: ({ config }) => jsonSchema(config, 'input'),
    }),
    outputSchema: t.field({
      type: 'JSON',
      description: 'JSON Schema (2020-12) of its output.',
      resolve: ({ output }) => jsonSchema(output, 'output'),
    }),
    handles: t.stringList({
      description: 'The handles of a node with an empty config; some blocks have more, by their config.',
      resolve: (block) => [...block.handles({})],
    }),
    sample: t.expose('sample', { type: 'JSON', nullable: true, description: 'A valid output.' }),
  }),
})

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): unknown {
  return z.toJSONSchema(schema, { io, unrepresentable: 'any' })
}

builder.queryFields((t) => ({
  blocks: t.field({
    type: [BlockType],
    description: 'The catalogue, by type.',
    args: { category: t.arg({ type: BlockCategoryEnum, description: 'Only these.' }) },
    resolve: (_root, { category }, { registry }) =>
      registry.list().filter((block) => !category || block.category === category),
  }),
  block: t.field({
    type: BlockType,
    nullable: true,
    description: 'One block by its type; null when there is none.',
    args: { type: t.arg.string({ required: true, description: 'Such as `core.filter`.' }) },
    resolve: (_root, { type }, { registry }) => registry.get(type) ?? null,
  }),
}))
