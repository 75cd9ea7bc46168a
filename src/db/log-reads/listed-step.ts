import type { AttemptRecord, RecordedError } from '../../engine/record/index.ts'
import {
  derivedAttempts,
  positionOf,
  type FoldedStep,
  type LoggedStep,
  type LogKey,
  type StepChange,
} from '../log/index.ts'
import type { LoggedValueKey } from './bounded-values.ts'

/** Attempts and an error with more characters of JSON text than this, together, are not kept with a step: they are read when asked for. */
export const LISTED_DETAILS_MAX_LENGTH = 1_024

/** A step as lists show it. */
export interface ListedStep extends FoldedStep {
  /** Whose step it is. */
  readonly job: LogKey
  /** Whether its attempts and its error are here. If not, they are empty here: `detailsKey` names where they are. */
  readonly hasDetails: boolean
}

/** A place in the definition's order. */
export interface StepPlace {
  readonly position: string
  /** Orders the steps of one position. */
  readonly path: string
}

export interface StepDetails {
  readonly attempts: readonly AttemptRecord[]
  readonly error: RecordedError | null
}

/** Where the step is in its execution. */
export function stepPlace({ step: { order, path } }: ListedStep): StepPlace {
  return { position: positionOf(order), path }
}

/** The step without details that are long. */
export function listedStep(job: LogKey, folded: FoldedStep): ListedStep {
  const { attempts, error } = folded.step
  const hasDetails = JSON.stringify([attempts, error]).length <= LISTED_DETAILS_MAX_LENGTH
  if (hasDetails) return { ...folded, job, hasDetails }
  return { ...folded, step: { ...folded.step, attempts: [], error: null }, job, hasDetails }
}

/** Names the change that recorded the step, among the values of its log. */
export function detailsKey({ job, step, entry }: ListedStep): LoggedValueKey {
  return { id: job.id, ownerId: job.ownerId, entry, kind: 's', path: step.path, isSmall: true }
}

/** Names the schema that the step's wait demands of a signal; null: it demands none. */
export function waitSchemaKey({ job, step: { path, wait }, entry }: ListedStep): LoggedValueKey | null {
  if (wait?.kind !== 'signal' || wait.schemaBytes === 0) return null
  return { id: job.id, ownerId: job.ownerId, entry, kind: 'w', path }
}

/** The details of a step from the change that recorded it. */
export function stepDetails(step: LoggedStep, change: StepChange): StepDetails {
  const { a: attempts, c: blockVersion, e } = change
  const error = e ?? null
  return { attempts: attempts ?? derivedAttempts({ ...step, error, blockVersion }), error }
}
