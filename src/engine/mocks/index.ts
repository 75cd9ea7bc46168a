/** Answers in place of blocks that would act on the outside, in simulations and in demo and test mode. */
export { maskedSecrets } from './masked-secrets.ts'
export {
  findMock,
  mockFailure,
  NO_MOCKS,
  nodePath,
  readMocks,
  type Mock,
  type Mocks,
  type ReadMocks,
} from './mocks.ts'
export { sampleOutput } from './sample-output.ts'
export { simulationStandIn, type StepHistory } from './simulation.ts'
export { standInOf } from './stand-in-of.ts'
