import type { ExecutionMode } from '../../engine/block/index.ts'
import { builder } from './builder.ts'

export const ExecutionModeEnum = builder.enumType('ExecutionMode', {
  description:
    'Whether a run touches the outside. It is recorded, and templates see it as `execution.mode`. Pure blocks, waits, loops and logs do the same in every mode.',
  values: {
    PRODUCTION: { value: 'production', description: 'Real work: blocks call out, with your secrets.' },
    DEMO: {
      value: 'demo',
      description:
        'A show that needs no key and no network: blocks that would call out give their samples after a short while.',
    },
    TEST: {
      value: 'test',
      description:
        'A test: blocks that would call out do what `mocks` says, and fail with MOCK_MISSING where it says nothing.',
    },
  } satisfies Record<Uppercase<ExecutionMode>, { value: ExecutionMode; description: string }>,
})
