import { z } from 'zod'
import { isJsonObject, sameJson, type Json, type JsonObject } from '../../lib/json/index.ts'
import { DEFAULT_HANDLE } from '../block/index.ts'
import { edgeSchema, nodeSchema, type GraphNode, type PlanGraph, type PlanNode } from '../definition/index.ts'

/** How a node of one definition compares with the node of the same id in an earlier one. */
export interface NodeComparison {
  /** It would do the same, given the same. */
  readonly isSame: boolean
  /** The same of a loop's body alone, and of whether the loop keeps the outputs of its items. */
  readonly isSameBody: boolean
}

const OTHER: NodeComparison = { isSame: false, isSameBody: false }
const SAME: NodeComparison = { isSame: true, isSameBody: true }

/** A graph that is known to be sound: the definition's own, or a loop's body. */
const graphSchema = z.looseObject({
  nodes: z.array(nodeSchema),
  edges: z.array(edgeSchema).default([]),
  output: z.custom<Json>().optional(),
})
type GraphDefinition = z.output<typeof graphSchema>

/** What a definition says of a node that does not change what it does; fields that no schema names are not executed either. */
const NOT_EXECUTED = ['id', 'name', 'position']
const EXECUTED = Object.keys(nodeSchema.shape).filter((field) => !NOT_EXECUTED.includes(field))

interface Document {
  readonly hash: string
  readonly body: Json
}

/** Compares a definition's top-level nodes with those of an earlier one; the plan is that of the later. */
export function compareNodes(
  before: Document,
  now: Document,
  { graph }: { readonly graph: PlanGraph },
): (node: PlanNode) => NodeComparison {
  if (before.hash === now.hash) return () => SAME
  const nodesBefore = nodesOf(before.body)
  const nodesNow = nodesOf(now.body)
  return ({ id, index }) => {
    const one = nodesBefore.get(id)
    const other = nodesNow.get(id)
    const planned = graph.nodes[index]
    if (!one || !other || !planned || one.type !== other.type) return OTHER
    const [was, is] = [workOf(one, planned), workOf(other, planned)]
    return { isSame: sameJson(was, is), isSameBody: sameJson(bodyOf(was), bodyOf(is)) }
  }
}

/** Reads the nodes alone: a definition may have far more edges. */
const nodesSchema = z.looseObject({ nodes: z.array(nodeSchema) })

function nodesOf(document: Json): ReadonlyMap<string, GraphNode> {
  const parsed = nodesSchema.safeParse(document)
  return new Map(parsed.success ? parsed.data.nodes.map((node) => [node.id, node]) : [])
}

/** A node as far as it is executed, with its defaults filled in. */
function workOf(node: GraphNode, planned: PlanNode | undefined): JsonObject {
  const fields = EXECUTED.flatMap((field) => {
    const value = node[field] as Json | undefined
    return value === undefined ? [] : [[field, value] as const]
  })
  const work = Object.fromEntries(fields)
  const body = planned?.body ? graphSchema.safeParse(node.config.body) : null
  return body?.success
    ? {
        ...work,
        config: { ...(node.config as JsonObject), body: graphWork(body.data, planned?.body ?? null) },
      }
    : work
}

function graphWork({ nodes, edges, output }: GraphDefinition, planned: PlanGraph | null): JsonObject {
  return {
    nodes: nodes.map((node) => ({
      id: node.id,
      ...workOf(
        node,
        planned?.nodes.find(({ id }) => id === node.id),
      ),
    })),
    edges: edges.map(({ source, target, sourceHandle }) => [source, target, sourceHandle ?? DEFAULT_HANDLE]),
    ...(output === undefined ? {} : { output }),
  }
}

function bodyOf({ config }: JsonObject): Json {
  if (!isJsonObject(config)) return null
  return { body: config.body ?? null, output: config.output ?? null }
}
