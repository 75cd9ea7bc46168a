import { DEFAULT_HANDLE, nodeHandles, type Block } from '../../engine/block/index.ts'
import { isJsonObject, type Json, type JsonObject } from '../../lib/json/index.ts'
import { builder } from '../kit/index.ts'

/** A definition as the graph that a canvas draws. Reads whatever a draft holds and leaves out what is no node or edge. */
export interface ShownGraph {
  readonly nodes: readonly JsonObject[]
  readonly edges: readonly JsonObject[]
}

const PositionType = builder.objectRef<JsonObject>('Position').implement({
  description: 'A place on a canvas.',
  fields: (t) => ({
    x: t.float({ description: 'To the right.', resolve: ({ x }) => numberOf(x) }),
    y: t.float({ description: 'Downwards.', resolve: ({ y }) => numberOf(y) }),
  }),
})

const GraphNodeType = builder.objectRef<JsonObject>('GraphNode').implement({
  description: 'A block placed in a definition.',
  fields: (t) => ({
    id: t.string({ description: 'Unique in its definition.', resolve: ({ id }) => textOf(id) }),
    type: t.string({ description: 'The block type.', resolve: ({ type }) => textOf(type) }),
    name: t.string({
      nullable: true,
      description: 'What people call it.',
      resolve: ({ name }) => (typeof name === 'string' ? name : null),
    }),
    config: t.field({
      type: 'JSON',
      description: 'Its config, templates unresolved.',
      resolve: ({ config }) => config ?? {},
    }),
    handles: t.stringList({
      description:
        'The handles that it can be left by, from its block and its config, `error` included where its `onError` is `route`; empty when the block is unknown.',
      resolve: (node, _args, { registry }) => [...handlesOf(registry.get(textOf(node.type)), node)],
    }),
    position: t.field({
      type: PositionType,
      nullable: true,
      description: 'Where a canvas shows it.',
      resolve: ({ position }) => (isJsonObject(position) ? position : null),
    }),
    document: t.field({
      type: 'JSON',
      description: 'The node as it stands in the definition, other fields included.',
      resolve: (node) => node,
    }),
  }),
})

const GraphEdgeType = builder.objectRef<JsonObject>('GraphEdge').implement({
  description: 'An arrow from a node’s handle to a node.',
  fields: (t) => ({
    id: t.string({
      description: 'As the definition gives it, else made of its source, handle and target.',
      resolve: ({ id, source, sourceHandle, target }) =>
        textOf(id) || [textOf(source), handleOf(sourceHandle), textOf(target)].join('/'),
    }),
    source: t.string({ description: 'The node it leaves.', resolve: ({ source }) => textOf(source) }),
    target: t.string({ description: 'The node it enters.', resolve: ({ target }) => textOf(target) }),
    sourceHandle: t.string({
      description: 'The handle it leaves by.',
      resolve: ({ sourceHandle }) => handleOf(sourceHandle),
    }),
    targetHandle: t.string({
      nullable: true,
      description:
        'The handle it enters by, kept for canvases: a node has one entry. Null where none is given.',
      resolve: ({ targetHandle }) => (typeof targetHandle === 'string' ? targetHandle : null),
    }),
    document: t.field({
      type: 'JSON',
      description: 'The edge as it stands in the definition.',
      resolve: (edge) => edge,
    }),
  }),
})

export const GraphType = builder.objectRef<ShownGraph>('Graph').implement({
  description: 'A definition’s nodes and edges, typed.',
  fields: (t) => ({
    nodes: t.field({
      type: [GraphNodeType],
      description: 'In the definition’s order.',
      resolve: ({ nodes }) => nodes,
    }),
    edges: t.field({
      type: [GraphEdgeType],
      description: 'In the definition’s order.',
      resolve: ({ edges }) => edges,
    }),
  }),
})

export function graphOf(definition: unknown): ShownGraph {
  const document = isJsonObject(definition) ? definition : {}
  return { nodes: objectsOf(document.nodes), edges: objectsOf(document.edges) }
}

/** The block type of the node at a step's path: `post`, or `post[3]/send` for a node of a loop's body. */
export function blockTypeAt(definition: unknown, path: string): string {
  const [nodeId, inner] = splitPath(path)
  const node = graphOf(definition).nodes.find(({ id }) => id === nodeId)
  if (inner === null) return textOf(node?.type)
  return blockTypeAt(isJsonObject(node?.config) ? node.config.body : null, inner)
}

function splitPath(path: string): [nodeId: string, inner: string | null] {
  const [, nodeId = path, inner = null] = /^([^[]+)\[\d+\]\/(.+)$/.exec(path) ?? []
  return [nodeId, inner]
}

function objectsOf(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : []
}

/** Of a draft, whatever it holds: a block that cannot say its handles has none to show. */
function handlesOf(block: Block | undefined, { config, onError }: JsonObject): readonly string[] {
  if (!block) return []
  try {
    return nodeHandles(block, { config: config ?? {}, onError })
  } catch {
    return []
  }
}

function handleOf(sourceHandle: Json | undefined): string {
  return typeof sourceHandle === 'string' ? sourceHandle : DEFAULT_HANDLE
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

function numberOf(value: Json | undefined): number {
  return typeof value === 'number' ? value : 0
}
