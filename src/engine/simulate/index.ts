/** Runs a definition or a single block without effects, on a virtual clock, and reports what happened. */
export type { SimulatedEdge, SimulatedStep } from './report.ts'
export { simulate, type HeavyWork, type SimulatedCalls, type Simulation } from './simulate.ts'
export { SIMULATION_MAX_HEAP_BYTES } from './simulation-journal.ts'
export {
  testDefinition,
  TESTED_NODE,
  testReal,
  testSimulated,
  type BlockTest,
  type TestLog,
  type TestWorld,
} from './test-block.ts'
