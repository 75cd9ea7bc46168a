import type { ExecutionMode } from '../../engine/block/index.ts'
import { TAGS_MAX } from '../../jobs/start/index.ts'
import { DEFINITION_SHAPE, ExecutionModeEnum, type InputFields } from '../kit/index.ts'

/** The fields of an input that say what a run executes; `readDefinitionSource` reads the first four. */
export const workflowFields = (t: InputFields) => ({
  workflowId: t.id({
    description:
      'A stored workflow: its newest version, or its draft when none is published. `simulateWorkflow` takes the draft unless it is given a `version`.',
  }),
  version: t.int({ description: 'Of the stored workflow, the version of this number.' }),
  draft: t.boolean({ defaultValue: false, description: 'Of the stored workflow, the draft.' }),
  definition: t.field({ type: 'JSON', description: `A definition in place. ${DEFINITION_SHAPE}` }),
  input: t.field({ type: 'JSON', description: 'The execution’s input, at most 1 MiB; default null.' }),
  variables: t.field({ type: 'JSON', description: 'An object on top of the definition’s defaults.' }),
})

/** The fields of an input that say how a run is started, whatever it executes. */
export const startFields = (t: InputFields) => ({
  mode: t.field({
    type: ExecutionModeEnum,
    defaultValue: 'production',
    description: 'What the run is meant for.',
  }),
  mocks: t.field({
    type: 'JSON',
    description:
      'With the mode TEST: an object by node id or step path of `{ output }` or `{ error: { code, message, retryable } }`, with `durationMs` where that matters, or of lists of them. The one node of a job of type SEARCH has the id `search`, that of UPLOAD_TO_META the id `upload`.',
  }),
  metadata: t.field({ type: 'JSON', description: 'An object of free data, kept with the execution.' }),
  tags: t.stringList({ description: 'Free words to find it by.', extensions: { acceptedItems: TAGS_MAX } }),
  priority: t.int({
    defaultValue: 0,
    description: 'Among the jobs that want a worker: from -100 to 100, the higher the sooner.',
  }),
  runAt: t.field({
    type: 'DateTime',
    description:
      'The instant before which no worker takes it up; it stays QUEUED until then. Default: at once.',
  }),
  idempotencyKey: t.string({
    description:
      'The same key with the same input gives the same job and execution for 30 days, however often it is sent.',
  }),
})

interface StartArguments {
  readonly mode?: ExecutionMode | null | undefined
  readonly mocks?: unknown
  readonly metadata?: unknown
  readonly tags?: readonly string[] | null | undefined
  readonly priority?: number | null | undefined
  readonly runAt?: Date | null | undefined
  readonly idempotencyKey?: string | null | undefined
}

/** What `startFields` gave, with what is not given filled in. */
export function readStartFields(given: StartArguments) {
  const { mode, mocks, metadata, tags, priority, runAt, idempotencyKey } = given
  return {
    mode: mode ?? 'production',
    mocks: mocks ?? null,
    metadata: metadata ?? {},
    tags: tags ?? [],
    priority: priority ?? 0,
    runAt: runAt?.getTime() ?? null,
    idempotencyKey: idempotencyKey ?? null,
    intent: 'queue',
  } as const
}
