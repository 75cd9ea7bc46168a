/** Provides errors with a code, typed ids, and other small tools that know nothing of workflows or storage. */
export { assertNever } from './assert-never.ts'
export { BUILD_VERSION, compareVersions, isEarlierMinor } from './build-version.ts'
export { captureContext, ContextVariable } from './async-context.ts'
export { currentOwner, onBehalfOf } from './current-owner.ts'
export { codeOf, LumeError, messageOf } from './errors.ts'
export { decodeGlobalId, globalId, readGlobalId, type GlobalId } from './global-id.ts'
export {
  newId,
  OWNER_MAX_LENGTH,
  ownerId,
  parseId,
  type DefinitionId,
  type ExecutionId,
  type Id,
  type JobId,
  type OwnerId,
  type ScheduleId,
  type WorkerId,
  type WorkflowId,
  type WorkflowVersionId,
} from './ids.ts'
export { listsPer } from './lists-per.ts'
export { RecentMap } from './recent-map.ts'
export { seededRandom } from './seeded-random.ts'
