import type {
  CatchUp,
  ChosenDefinition,
  DefinitionChoice,
  LargeDefinition,
  Overlap,
  QuotaGuard,
  QuotaRefusal,
  ScheduleFields,
  ScheduleStore,
  ScheduleTarget,
} from '../../db/stores/index.ts'
import type { ExecutionMode } from '../../engine/block/index.ts'
import type { Diagnostic } from '../../engine/definition/index.ts'
import { findInputProblems, type InputProblem } from '../../engine/json-schema/index.ts'
import { directCheckers, type DefinitionReader, type SchemaCheckers } from '../../engine/validate/index.ts'
import type { OwnerId, ScheduleId, WorkflowId } from '../../lib/index.ts'
import { isStorableText } from '../../lib/json/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import {
  readValues,
  SMALL_LOAD_MAX_BYTES,
  useChosen,
  type ChoicePorts,
  type StartArgument,
} from '../start/index.ts'
import { nextOccurrences, specOf } from './occurrences.ts'
import { readSpec, type InvalidSpec } from './read-spec.ts'

/** What a user says about a schedule; what is left out is made up, or stays as it was. */
export interface ScheduleInput {
  readonly name?: string
  readonly cron?: string
  readonly timeZone?: string
  /** In milliseconds since the epoch. */
  readonly at?: number
  /** Null: the newest version. */
  readonly version?: number | null
  readonly draft?: boolean
  readonly input?: unknown
  /** An object. */
  readonly variables?: unknown
  readonly mode?: ExecutionMode
  readonly tags?: readonly string[]
  readonly priority?: number
  readonly overlap?: Overlap
  readonly catchUp?: CatchUp
  readonly catchUpLimit?: number
  readonly isPaused?: boolean
}

export type SaveScheduleResult =
  /** `diagnostics`: all that is wrong now with the definition that it would start. */
  | { readonly kind: 'saved'; readonly id: ScheduleId; readonly diagnostics: readonly Diagnostic[] }
  | InvalidSpec
  | {
      readonly kind: 'invalid'
      readonly argument: StartArgument | 'name' | 'mode' | 'version' | 'catchUpLimit'
      readonly problems: readonly InputProblem[]
    }
  | { readonly kind: 'notFound' }
  | { readonly kind: 'workflowNotFound' }
  | { readonly kind: 'noSuchVersion' }
  | { readonly kind: 'archived' }
  | QuotaRefusal

/** Makes and changes schedules; the scheduler starts what they ask for. */
export interface Schedules {
  create(
    of: { readonly ownerId: OwnerId; readonly workflowId: WorkflowId },
    input: ScheduleInput,
  ): Promise<SaveScheduleResult>
  /** A new pattern, zone or instant counts from now on; so does a schedule that is taken up again after a pause. */
  update(target: ScheduleTarget, input: ScheduleInput): Promise<SaveScheduleResult>
  /** Its executions stay, and those that run go on. False when it was gone. */
  delete(target: ScheduleTarget): Promise<boolean>
}

export interface SchedulesOptions extends ChoicePorts {
  readonly schedules: Pick<ScheduleStore, 'insert' | 'find' | 'valueBytes' | 'update' | 'delete'>
  /** Tells what stands against a start. */
  readonly reader: DefinitionReader
  /** Checks inputs against their schemas. */
  readonly schemas?: SchemaCheckers
  readonly clock: Clock
  readonly quotas: Pick<QuotaGuard, 'refusalOf'>
}

const NAME_MAX_LENGTH = 200
const CATCH_UP_MAX = 100

const DEFAULTS: ScheduleFields = {
  name: 'Schedule',
  cron: null,
  timeZone: 'UTC',
  at: null,
  version: null,
  draft: false,
  input: null,
  variables: {},
  mode: 'production',
  tags: [],
  priority: 0,
  overlap: 'SKIP',
  catchUp: 'LAST',
  catchUpLimit: 10,
  isPaused: false,
}

export function createSchedules({
  schedules,
  versions,
  loads,
  reader,
  schemas = directCheckers(),
  clock,
  quotas,
}: SchedulesOptions): Schedules {
  return {
    async create({ ownerId, workflowId }, input) {
      const now = clock.now()
      const read = await readFields(DEFAULTS, input)
      const { fields } = read
      const workflow = { ownerId, id: workflowId }
      const choosing = { workflow, choice: choiceOf(fields), isRefusable: true }
      const choice = await useChosen({ versions, loads }, choosing, (chosen) =>
        check(ownerId, chosen, fields),
      )
      if (choice.kind === 'workflowNotFound') return choice
      if (read.invalid) return read.invalid
      if (choice.kind !== 'ok') return choice
      const { diagnostics, misfits } = choice
      if (misfits) return misfits
      const reading = readSpec(read.fields, now)
      if (reading.kind !== 'ok') return reading
      const refusal = await quotas.refusalOf(ownerId, 'SCHEDULES')
      if (refusal) return refusal
      const nextAt = nextOf(read.fields, now)
      const id = await schedules.insert({ ownerId, workflowId, nextAt }, read.fields, now)
      return { kind: 'saved', id, diagnostics }
    },
    async update(target, input) {
      const { ownerId } = target
      let definitionBytes = 0
      for (;;) {
        const valueBytes = await schedules.valueBytes(target)
        if (valueBytes === null) return { kind: 'notFound' }
        const load = { ownerId, bytes: valueBytes + definitionBytes, isRefusable: true }
        const result = await loads.run(load, () => updateOnce(target, input, definitionBytes))
        // Another client changed it meanwhile: these changes are made on top of that.
        if (result === null) continue
        if (result.kind !== 'large') return result
        definitionBytes = result.bytes
      }
    },
    delete: (target) => schedules.delete(target, clock.now()),
  }

  /**
   * Changes a schedule as it is now. Null: it was changed meanwhile. A definition with more than `definitionBytes` bytes for which no
   * memory is held is not loaded, and its size is the result.
   */
  async function updateOnce(
    target: ScheduleTarget,
    input: ScheduleInput,
    definitionBytes: number,
  ): Promise<SaveScheduleResult | LargeDefinition | null> {
    const before = await schedules.find(target)
    if (!before) return { kind: 'notFound' }
    const { ownerId, workflowId } = before
    const now = clock.now()
    const { fields, invalid } = await readFields(before, input)
    if (invalid) return invalid
    const maxBytes = Math.max(SMALL_LOAD_MAX_BYTES, definitionBytes)
    const chosen = await versions.chooseSmall({ ownerId, id: workflowId }, choiceOf(fields), maxBytes)
    if (chosen.kind === 'large') return chosen
    // What stays as it was is not refused: a schedule can be paused whatever has become of its workflow.
    const choosesAnew = input.version !== undefined || input.draft !== undefined
    const choice = await check(ownerId, chosen, fields)
    if (choice.kind !== 'ok' && choosesAnew) return choice
    const { diagnostics, misfits } = choice.kind === 'ok' ? choice : NOTHING_TO_TELL
    if (misfits && (choosesAnew || input.input !== undefined)) return misfits
    const isAnew = [input.cron, input.timeZone, input.at].some((given) => given !== undefined)
    if (isAnew) {
      const reading = readSpec(fields, now)
      if (reading.kind !== 'ok') return reading
    }
    const goesOn = !isAnew && !before.isPaused && !fields.isPaused
    const nextAt = goesOn ? before.nextAt : nextOf(fields, now)
    const seen = { ...target, revision: before.revision, nextAt }
    const isUpdated = await schedules.update(seen, fields, now)
    return isUpdated ? { kind: 'saved', id: target.id, diagnostics } : null
  }

  /** What a start would find now: the definition that it would run, and whether the input fits it. */
  async function check(
    ownerId: OwnerId,
    chosen: ChosenDefinition,
    { input }: ScheduleFields,
  ): Promise<Choice> {
    if (chosen.kind === 'notFound') return { kind: 'workflowNotFound' }
    if (chosen.kind !== 'found') return chosen
    const { plan, diagnostics } = await reader(ownerId)(chosen.definition)
    const checker = schemas({ ownerId, isRefusable: true })
    const problems = await findInputProblems(checker, plan?.inputSchema ?? null, input)
    const misfits = problems.length > 0 ? ({ kind: 'invalid', argument: 'input', problems } as const) : null
    return { kind: 'ok', diagnostics, misfits }
  }
}

type Invalid = Extract<SaveScheduleResult, { kind: 'invalid' }>

type Choice =
  | { readonly kind: 'ok'; readonly diagnostics: readonly Diagnostic[]; readonly misfits: Invalid | null }
  | Extract<SaveScheduleResult, { kind: 'workflowNotFound' | 'noSuchVersion' | 'archived' }>

const NOTHING_TO_TELL = { diagnostics: [], misfits: null }

function choiceOf({ version, draft }: ScheduleFields): DefinitionChoice {
  return { version, draft }
}

/** The first occurrence from now on; null when there is none, or nobody wants it. */
function nextOf(fields: ScheduleFields, now: number): number | null {
  return fields.isPaused ? null : (nextOccurrences(specOf(fields), now, 1)[0] ?? null)
}

async function readFields(
  before: ScheduleFields,
  input: ScheduleInput,
): Promise<{
  readonly fields: ScheduleFields
  readonly invalid: Invalid | null
}> {
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined))
  const merged = {
    ...before,
    ...given,
    // A pattern takes the place of an instant, and the other way round; so do a version and the draft.
    ...(input.cron !== undefined && input.at === undefined ? { at: null } : {}),
    ...(input.at !== undefined && input.cron === undefined ? { cron: null } : {}),
    ...(input.draft === true && input.version === undefined ? { version: null } : {}),
    ...(input.version != null && input.draft === undefined ? { draft: false } : {}),
  } as ScheduleFields
  const { values, invalid } = await readValues({ ...merged, metadata: {} })
  const { input: value, variables } = values
  const fields = {
    ...merged,
    cron: merged.cron?.trim() ?? null,
    name: merged.name.trim(),
    tags: [...new Set(merged.tags)],
    input: value,
    variables,
  }
  return { fields, invalid: invalid ? { kind: 'invalid', ...invalid } : fieldProblem(fields, input) }
}

function fieldProblem(
  { name, version, draft, catchUpLimit }: ScheduleFields,
  { mode }: ScheduleInput,
): Invalid | null {
  const problem = (argument: 'name' | 'mode' | 'version' | 'catchUpLimit', message: string) =>
    ({ kind: 'invalid', argument, problems: [{ pointer: '', message }] }) as const
  if (name.length === 0 || name.length > NAME_MAX_LENGTH || !isStorableText(name))
    return problem('name', `has 1 to ${NAME_MAX_LENGTH} characters`)
  if (mode === 'test')
    return problem(
      'mode',
      'TEST goes with mocks, and a schedule has none: its calls would all fail; use DEMO',
    )
  if (version !== null && draft) return problem('version', 'goes without `draft`')
  if (!Number.isInteger(catchUpLimit) || catchUpLimit < 1 || catchUpLimit > CATCH_UP_MAX)
    return problem('catchUpLimit', `is a whole number from 1 to ${CATCH_UP_MAX}`)
  return null
}
