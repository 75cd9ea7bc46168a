import { assertNever } from '../../lib/assert-never.ts'
import type { ExecutionMode } from '../block/execution-mode.ts'
import type { StandIn } from '../run/run.ts'
import { demoStandIn } from './demo.ts'
import { NO_MOCKS, type Mocks } from './mocks.ts'
import { testStandIn } from './test.ts'

/** What is done in place of calls in a mode; null: they are made. */
export function standInOf({
  mode,
  mocks,
}: {
  readonly mode: ExecutionMode
  readonly mocks: Mocks | null
}): StandIn | null {
  switch (mode) {
    case 'production':
      return null
    case 'demo':
      return demoStandIn
    case 'test':
      return testStandIn(mocks ?? NO_MOCKS)
    default:
      return assertNever(mode)
  }
}
