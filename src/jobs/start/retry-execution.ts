import type { ExecutionStore, OriginalStore } from '../../db/executions/index.ts'
import type { JobStore } from '../../db/jobs/index.ts'
import type {
  ChosenDefinition,
  LargeDefinition,
  SourceSizeStore,
  VersionStore,
} from '../../db/stores/index.ts'
import { checkTerms, readRetryFrom, type OriginalRecord, type TermsFault } from '../../engine/fork/index.ts'
import { isTerminal } from '../../engine/record/index.ts'
import type { DefinitionReader, PlanCache } from '../../engine/validate/index.ts'
import type { JobId, OwnerId } from '../../lib/index.ts'
import {
  isJsonObject,
  isStorableText,
  mergePatch,
  sameJson,
  plainJsonPieces,
  type Json,
  type JsonObject,
} from '../../lib/json/index.ts'
import { inPieces } from '../../lib/turns/index.ts'
import type { WorkflowKey } from './published-versions.ts'
import type { StartExecution, StartResult } from './start-execution.ts'
import type { StoredLoads } from './stored-loads.ts'

/** What a retry runs: the definition of the execution that it retries, or its workflow's newest. */
export type RetryVersion = 'SAME' | 'LATEST'

/** A request to run an ended execution once more, without what need not run again. */
export interface RetryRequest {
  readonly ownerId: OwnerId
  readonly id: JobId
  /** `FAILED`: what did not complete; `START`: everything; a step's path: the step and what is downstream of it. */
  readonly from: string
  readonly version: RetryVersion
  /** A JSON Merge Patch (RFC 7396) of the original's input; undefined: the same input. */
  readonly patchInput?: unknown
  /** Outputs in place of the steps' own, by top-level path. */
  readonly patchOutputs?: unknown
  /** In place of the original's. */
  readonly tags?: readonly string[] | null
  /** In place of the original's: -100 to 100. */
  readonly priority?: number | null
  readonly idempotencyKey: string | null
}

export type RetryResult =
  | StartResult
  | { readonly kind: 'notFound' }
  /** What has not ended cannot be retried: cancel it, or wait. */
  | { readonly kind: 'notEnded' }
  /** Its workflow is archived, or was deleted: neither can be executed. */
  | { readonly kind: 'workflowArchived' }
  | { readonly kind: 'workflowNotFound' }
  | ({ readonly kind: 'invalid' } & (TermsFault | VersionFault | PatchFault))

interface VersionFault {
  readonly argument: 'version'
  readonly message: string
}

interface PatchFault {
  readonly argument: 'patchInput'
  readonly message: string
}

export type RetryExecution = (request: RetryRequest) => Promise<RetryResult>

export interface RetryExecutionOptions {
  readonly jobs: Pick<JobStore, 'find'>
  readonly executions: Pick<ExecutionStore, 'details'>
  readonly originals: OriginalStore
  readonly plans: PlanCache
  /** Tells what stands against a start. */
  readonly reader: DefinitionReader
  readonly versions: Pick<VersionStore, 'choose' | 'chooseSmall'>
  readonly sourceSizes: SourceSizeStore
  readonly loads: StoredLoads
  readonly start: StartExecution
}

/**
 * Makes a new execution out of one that has ended, linked to it, and refuses what cannot fit. The record of the source execution is loaded
 * only when there is memory for it. Rejects with `OwnerBusyError`.
 */
export function createRetryExecution(options: RetryExecutionOptions): RetryExecution {
  const { sourceSizes, loads } = options
  return async (request) => {
    const { ownerId, version } = request
    const bytes = await sourceSizes.bytes(request, version === 'LATEST')
    if (bytes === null) return { kind: 'notFound' }
    return loads.run({ ownerId, bytes, isRefusable: true }, () => retry(request, options))
  }
}

async function retry(request: RetryRequest, options: RetryExecutionOptions): Promise<RetryResult> {
  const { jobs, executions, originals, plans, reader, versions, start } = options
  const { ownerId, id, from, version, idempotencyKey } = request
  const job = await jobs.find(ownerId, id)
  const details = job && (await executions.details(id))
  if (!job || !details) return { kind: 'notFound' }
  const record = isTerminal(job.status) ? await originals.load({ id, ownerId }) : null
  if (!record) return { kind: 'notEnded' }

  const { workflowId, label, mode, mocks, metadata } = details
  // Also for the same definition: what cannot be executed cannot be executed again.
  const latest = workflowId && (await latestOf(versions, { ownerId, id: workflowId }, version))
  if (latest?.kind === 'archived') return { kind: 'workflowArchived' }
  if (latest && latest.kind !== 'found' && latest.kind !== 'large') return { kind: 'workflowNotFound' }
  if (version === 'LATEST' && !latest)
    return invalid('version', 'There is no newer version: the execution ran no stored workflow.')
  const { definition, versionId } =
    version === 'LATEST' && latest?.kind === 'found'
      ? latest
      : { definition: record.definition.body, versionId: details.versionId }
  const patches = await readPatches(request, record)
  if (patches.kind === 'invalid') return patches
  const { input, patched } = patches
  const { plan, diagnostics } = await reader(ownerId)(definition)
  if (!plan) return { kind: 'unsound', diagnostics }
  const fault = isStorableText(from)
    ? checkTerms(plan, { from: readRetryFrom(from), patched }, record)
    : ({ argument: 'from', message: '`from` holds a character that cannot be stored.' } as const)
  if (fault) return { kind: 'invalid', ...fault }

  return start({
    ownerId,
    type: job.type,
    definition,
    workflowId,
    versionId,
    label,
    input,
    variables: await givenVariables(record, plans, ownerId),
    mode,
    mocks,
    metadata,
    tags: request.tags ?? details.tags,
    priority: request.priority ?? details.priority,
    idempotencyKey,
    retry: { of: id, from, patched, version, original: record },
    intent: 'queue',
  })
}

const NEWEST = { version: null, draft: false } as const

/** The newest definition of the workflow. Where it is not going to run, no definition is loaded, only the state of the workflow. */
function latestOf(
  versions: RetryExecutionOptions['versions'],
  workflow: WorkflowKey,
  version: RetryVersion,
): Promise<ChosenDefinition | LargeDefinition> {
  return version === 'LATEST' ? versions.choose(workflow, NEWEST) : versions.chooseSmall(workflow, NEWEST, 0)
}

type Invalid = Extract<RetryResult, { kind: 'invalid' }>

function invalid(argument: 'version' | 'patchInput' | 'patchOutputs', message: string): Invalid {
  return { kind: 'invalid', argument, message }
}

type Patches = { readonly kind: 'read'; readonly input: Json; readonly patched: JsonObject } | Invalid

async function readPatches(
  { patchInput, patchOutputs }: RetryRequest,
  { input }: OriginalRecord,
): Promise<Patches> {
  const outputs = await inPieces(plainJsonPieces(patchOutputs ?? {}))
  if (!outputs.ok) {
    const { pointer, reason } = outputs.problem
    return invalid('patchOutputs', `\`patchOutputs\`: the value at "${pointer}" ${reason}.`)
  }
  const patched = outputs.value
  if (!isJsonObject(patched)) return invalid('patchOutputs', '`patchOutputs` is an object by step path.')
  if (patchInput === undefined) return { kind: 'read', input, patched }
  const patch = await inPieces(plainJsonPieces(patchInput))
  if (!patch.ok) {
    const { pointer, reason } = patch.problem
    return invalid('patchInput', `\`patchInput\`: the value at "${pointer}" ${reason}.`)
  }
  return { kind: 'read', input: mergePatch(input, patch.value), patched }
}

/** What the original's starter gave on top of its definition's defaults: of a newer definition the newer defaults count. */
async function givenVariables(
  { variables, definition }: OriginalRecord,
  plans: PlanCache,
  ownerId: OwnerId,
): Promise<JsonObject> {
  const { plan } = await plans.validate(definition, { ownerId, isRefusable: true })
  const defaults = plan?.variables ?? {}
  const isDefault = (name: string, value: Json) =>
    Object.hasOwn(defaults, name) && sameJson(defaults[name], value)
  return Object.fromEntries(Object.entries(variables).filter(([name, value]) => !isDefault(name, value)))
}
