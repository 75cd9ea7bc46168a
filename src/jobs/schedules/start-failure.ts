import type { ChosenDefinition, StartFailure } from '../../db/stores/index.ts'
import { quotaMessage, type StartResult } from '../start/index.ts'

/** Why an occurrence could not start, in words for whoever looks at the schedule; null when it did. */
export function failureOf(
  result: Exclude<ChosenDefinition, { kind: 'found' }> | StartResult,
): StartFailure | null {
  switch (result.kind) {
    case 'started':
      return null
    case 'notFound':
      return { code: 'WORKFLOW_NOT_FOUND', message: 'The workflow was deleted.' }
    case 'archived':
      return { code: 'WORKFLOW_ARCHIVED', message: 'The workflow is archived.' }
    case 'noSuchVersion':
      return { code: 'VERSION_NOT_FOUND', message: 'The workflow has no version of that number.' }
    case 'unsound': {
      const errors = result.diagnostics.filter(({ severity }) => severity === 'error')
      const told = errors.slice(0, 3).map(({ pointer, message }) => `${pointer || '/'}: ${message}`)
      return { code: 'VALIDATION_FAILED', message: `The definition cannot run. ${told.join(' ')}` }
    }
    case 'invalidInput': {
      const told = result.problems.slice(0, 3).map(({ pointer, message }) => `${pointer} ${message}`.trim())
      const code = result.argument === 'input' ? 'INPUT_INVALID' : 'INVALID_ARGUMENT'
      return { code, message: `The start’s ${result.argument} does not fit: ${told.join('; ')}.` }
    }
    case 'idempotencyConflict':
      return { code: 'IDEMPOTENCY_CONFLICT', message: `The occurrence stands for job ${result.jobId}.` }
    case 'quotaExceeded':
      return { code: 'QUOTA_EXCEEDED', message: quotaMessage(result) }
  }
}
