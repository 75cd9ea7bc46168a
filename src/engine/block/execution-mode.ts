export const EXECUTION_MODES = ['production', 'demo', 'test'] as const

export type ExecutionMode = (typeof EXECUTION_MODES)[number]
