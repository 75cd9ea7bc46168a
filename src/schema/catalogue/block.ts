import { z } from 'zod'
import {
  blockPage,
  type Block,
  type BlockCategory,
  type ExpressionField,
  type RetryPolicy,
} from '../../engine/block/index.ts'
import { JsonText } from '../../lib/json/index.ts'
import { builder } from '../kit/index.ts'

/** Blocks and their schemas never change: what is derived from them is derived once. */
const schemas = { input: new WeakMap<z.ZodType, JsonText>(), output: new WeakMap<z.ZodType, JsonText>() }
const pages = new WeakMap<Block, string>()

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
      description: 'Reaches the outside. Its result is committed before any other call that depends on it.',
    },
  } as const,
})

const BlockRepeatEnum = builder.enumType('BlockRepeat', {
  description: 'Whether a call of which nobody knows if it happened may be made again.',
  values: {
    SAFE: { value: 'safe', description: 'It may: a second call does no harm.' },
    NEVER: {
      value: 'never',
      description:
        'It may not: after a crash the attempt fails with `CALL_OUTCOME_UNKNOWN`, unless the node says `onUnknown: "retry"`.',
    },
  } satisfies Record<Uppercase<Block['repeat']>, { value: Block['repeat']; description: string }>,
})

const RetryPolicyType = builder.objectRef<RetryPolicy>('RetryPolicy').implement({
  description: 'How often and how far apart a step is tried.',
  fields: (t) => ({
    maxAttempts: t.exposeInt('maxAttempts', { description: 'All tries together; 1 means no retry.' }),
    initialDelayMs: t.exposeInt('initialDelayMs', {
      description: 'The cap of the first delay, in milliseconds; each delay is a random part of its cap.',
    }),
    factor: t.exposeFloat('factor', { description: 'By how much the cap grows with each try.' }),
    maxDelayMs: t.exposeInt('maxDelayMs', { description: 'No delay is longer than this, in milliseconds.' }),
    retryIf: t.string({
      nullable: true,
      description:
        'A bare CEL expression on the error; false ends the tries. Null: every retryable error is retried.',
      resolve: ({ retryIf }) => retryIf ?? null,
    }),
  }),
})

const BlockExpressionType = builder.objectRef<ExpressionField>('BlockExpression').implement({
  description: 'A field of a block’s config that holds bare CEL.',
  fields: (t) => ({
    pointer: t.exposeString('pointer', {
      description:
        'JSON pointer into the config, such as `/cases/*/when`; `*` stands for any index of a list.',
    }),
    binds: t.stringList({
      description: 'The names that it sees beside those of every expression, such as `item`.',
      resolve: ({ binds }) => [...binds],
    }),
  }),
})

const BlockType = builder.objectRef<Block>('Block').implement({
  description: 'A kind of work that a node can do.',
  fields: (t) => ({
    type: t.exposeString('type', { description: 'The name that definitions use, such as `api.http`.' }),
    version: t.exposeString('version', {
      description: 'The version of its code, recorded on each attempt that it makes.',
    }),
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
    icon: t.exposeString('icon', { description: 'The name of an icon of the Lucide set, for canvases.' }),
    deprecated: t.exposeString('deprecated', {
      nullable: true,
      description: 'What to use instead, when the block is going away; null while it stays.',
    }),
    repeat: t.field({
      type: BlockRepeatEnum,
      description: 'Whether a call of unknown outcome may be made again; of a pure block always `SAFE`.',
      resolve: ({ repeat }) => repeat,
    }),
    isControl: t.exposeBoolean('isControl', {
      description:
        'True when it only directs the run: waits, loops, logs. It is carried out in a simulation, too.',
    }),
    secrets: t.stringList({
      description: 'The names of the secrets that it reads.',
      resolve: ({ secrets }) => [...secrets],
    }),
    retry: t.field({
      type: RetryPolicyType,
      description: 'How it is retried where the node’s `retry` says nothing.',
      resolve: ({ retry }) => retry,
    }),
    timeoutMs: t.exposeInt('timeoutMs', {
      description: 'How long one attempt may take, in milliseconds, where the node says nothing.',
    }),
    configSchema: t.field({
      type: 'JSON',
      description:
        'JSON Schema (2020-12) of a node’s config. In a definition any value in it may be given by a string that is a template, but for the fields that `expressions` names: they hold bare CEL.',
      resolve: ({ config }) => jsonSchemaOf(config, 'input'),
    }),
    inputSchema: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'JSON Schema (2020-12) of the input that it takes: any other fails the step with `BLOCK_INPUT_INVALID`, before the block is called. Null: it takes anything.',
      resolve: ({ input }) => input && jsonSchemaOf(input, 'input'),
    }),
    expressions: t.field({
      type: [BlockExpressionType],
      description: 'The fields of its config that hold bare CEL, without braces, instead of templates.',
      resolve: ({ expressions }) => expressions,
    }),
    docs: t.string({
      description: 'Its page in Markdown: what it does, its config, its output and a sample.',
      resolve: (block) => pageOf(block),
    }),
    outputSchema: t.field({
      type: 'JSON',
      description: 'JSON Schema (2020-12) of its output.',
      resolve: ({ output }) => jsonSchemaOf(output, 'output'),
    }),
    handles: t.stringList({
      description: 'The handles of a node with an empty config; some blocks have more, by their config.',
      resolve: (block) => [...block.handles({})],
    }),
    sample: t.expose('sample', { type: 'JSON', nullable: true, description: 'A valid output.' }),
  }),
})

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

/** A schema of a block as JSON Schema (2020-12). */
function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonText {
  const known = schemas[io].get(schema)
  if (known) return known
  const text = new JsonText(JSON.stringify(z.toJSONSchema(schema, { io, unrepresentable: 'any' })))
  schemas[io].set(schema, text)
  return text
}

/** The page of a block in Markdown. */
function pageOf(block: Block): string {
  const known = pages.get(block)
  if (known !== undefined) return known
  const page = blockPage(block)
  pages.set(block, page)
  return page
}
