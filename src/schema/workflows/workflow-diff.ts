import {
  BREAKING_CODES,
  compareDefinitions,
  DiffTooLargeError,
  isEmptyDiff,
  type BreakingCode,
  type BreakingReason,
  type ChangeKind,
  type DefinitionDiff,
  type EdgeChange,
  type NodeChange,
  type ValueChange,
} from '../../workflows/diff/index.ts'
import { GraphQLError } from 'graphql'
import { inTurns, yieldToEventLoop, type Turn } from '../../lib/turns/index.ts'
import type { Json } from '../../lib/json/index.ts'
import { builder, type Context } from '../kit/index.ts'

const ChangeKindEnum = builder.enumType('ChangeKind', {
  description: 'How a part of a definition changed.',
  values: {
    ADDED: { description: 'It was not there before.' },
    REMOVED: { description: 'It is not there any more.' },
    CHANGED: { description: 'It is another one now.' },
    MOVED: { description: 'Only its place on the canvas changed.' },
  } satisfies Record<ChangeKind, unknown>,
})

const BreakingCodeEnum = builder.enumType('BreakingCode', {
  description: 'By what a change can break those who start a workflow, read its output or name its parts.',
  values: Object.fromEntries(
    Object.entries(BREAKING_CODES).map(([code, description]) => [code, { description }]),
  ) as Record<BreakingCode, { description: string }>,
})

const ValueChangeType = builder.objectRef<ValueChange>('ValueChange').implement({
  description: 'One place where two definitions differ.',
  fields: (t) => ({
    kind: t.field({ type: ChangeKindEnum, description: 'How it changed.', resolve: ({ kind }) => kind }),
    pointer: t.exposeString('pointer', {
      description: 'JSON pointer into the later definition; for what was removed, to where it would stand.',
    }),
    before: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What stood there; null when it was added.',
      resolve: (change) => ('before' in change ? change.before : null),
    }),
    after: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What stands there; null when it was removed.',
      resolve: (change) => ('after' in change ? change.after : null),
    }),
  }),
})

const NodeChangeType = builder.objectRef<NodeChange>('NodeChange').implement({
  description: 'A node that is not the same in both definitions.',
  fields: (t) => ({
    path: t.exposeString('path', {
      description: 'Its id; inside a loop behind the loop’s: `enrich/find`.',
    }),
    kind: t.field({ type: ChangeKindEnum, description: 'How it changed.', resolve: ({ kind }) => kind }),
    before: t.expose('before', {
      type: 'JSON',
      nullable: true,
      description: 'The node as it was; null when it was added.',
    }),
    after: t.expose('after', {
      type: 'JSON',
      nullable: true,
      description: 'The node as it is; null when it was removed.',
    }),
    changes: t.field({
      type: [ValueChangeType],
      description: 'Where it changed or moved; empty when it was added or removed.',
      resolve: ({ changes }) => changes,
    }),
  }),
})

const EdgeChangeType = builder.objectRef<EdgeChange>('EdgeChange').implement({
  description:
    'An edge that is not the same in both definitions. Edges are the same when they join the same nodes by the same handle.',
  fields: (t) => ({
    source: t.exposeString('source', { description: 'The path of the node that it leaves.' }),
    sourceHandle: t.exposeString('handle', { description: 'The handle that it leaves by.' }),
    target: t.exposeString('target', { description: 'The path of the node that it enters.' }),
    kind: t.field({ type: ChangeKindEnum, description: 'How it changed.', resolve: ({ kind }) => kind }),
    before: t.expose('before', {
      type: 'JSON',
      nullable: true,
      description: 'The edge as it was; null when it was added.',
    }),
    after: t.expose('after', {
      type: 'JSON',
      nullable: true,
      description: 'The edge as it is; null when it was removed.',
    }),
    changes: t.field({
      type: [ValueChangeType],
      description: 'Where it changed; empty when it was added or removed.',
      resolve: ({ changes }) => changes,
    }),
  }),
})

const BreakingReasonType = builder.objectRef<BreakingReason>('BreakingReason').implement({
  description: 'One way in which a change can break those who use the earlier definition.',
  fields: (t) => ({
    code: t.field({
      type: BreakingCodeEnum,
      description: 'Stable, for programs.',
      resolve: ({ code }) => code,
    }),
    message: t.exposeString('message', { description: 'What it is, for people.' }),
    pointer: t.exposeString('pointer', {
      description: 'JSON pointer: for what is gone into the earlier definition, else into the later one.',
    }),
  }),
})

/**
 * Compares two definitions in pieces. Owners take turns after each piece, and the diffs of one owner are made one after the
 * other. Throws a GraphQL error of the code `DIFF_TOO_LARGE`.
 */
export async function diffOf(
  { registry, diffTurns, ownerId }: Pick<Context, 'registry' | 'diffTurns' | 'ownerId'>,
  before: Json,
  after: Json,
): Promise<DefinitionDiff> {
  try {
    const diff = async (turn: Turn) => {
      // Many short ones may follow each other.
      await yieldToEventLoop()
      return inTurns(compareDefinitions(registry, before, after), () => turn.handOn())
    }
    return await diffTurns.run(ownerId, diff)
  } catch (fault) {
    if (!(fault instanceof DiffTooLargeError)) throw fault
    throw new GraphQLError(fault.message, { extensions: { code: fault.code } })
  }
}

/** Two definitions, compared; a side without a number is the draft. */
export interface ShownDiff {
  readonly from: number | null
  readonly to: number | null
  readonly diff: DefinitionDiff
}

export const WorkflowDiffType = builder.objectRef<ShownDiff>('WorkflowDiff').implement({
  description:
    'What leads from one definition of a workflow to another. The order of nodes, edges and keys is no difference.',
  fields: (t) => ({
    from: t.exposeInt('from', {
      nullable: true,
      description:
        'The version that is compared; null for the draft, or for nothing at all before version 1.',
    }),
    to: t.exposeInt('to', {
      nullable: true,
      description: 'The version that it is compared to; null for the draft.',
    }),
    isEmpty: t.boolean({
      description: 'True when the two are the same.',
      resolve: ({ diff }) => isEmptyDiff(diff),
    }),
    breaking: t.boolean({
      description: 'True when there is a reason why somebody who uses the earlier definition may be broken.',
      resolve: ({ diff }) => diff.breakingReasons.length > 0,
    }),
    breakingReasons: t.field({
      type: [BreakingReasonType],
      description: 'All such reasons.',
      resolve: ({ diff }) => diff.breakingReasons,
    }),
    nodes: t.field({
      type: [NodeChangeType],
      description: 'Nodes that changed, those of loop bodies included.',
      resolve: ({ diff }) => diff.nodes,
    }),
    edges: t.field({
      type: [EdgeChangeType],
      description: 'Edges that changed, those of loop bodies included.',
      resolve: ({ diff }) => diff.edges,
    }),
    variables: t.field({
      type: [ValueChangeType],
      description: 'Changes of the variables.',
      resolve: ({ diff }) => diff.variables,
    }),
    inputSchema: t.field({
      type: [ValueChangeType],
      description: 'Changes of the input schema.',
      resolve: ({ diff }) => diff.inputSchema,
    }),
    output: t.field({
      type: [ValueChangeType],
      description: 'Changes of the output’s template.',
      resolve: ({ diff }) => diff.output,
    }),
    limits: t.field({
      type: [ValueChangeType],
      description: 'Changes of the limits.',
      resolve: ({ diff }) => diff.limits,
    }),
    other: t.field({
      type: [ValueChangeType],
      description: 'Changes of everything else, such as `metadata`.',
      resolve: ({ diff }) => diff.other,
    }),
  }),
})
