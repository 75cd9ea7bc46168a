/** Provides the blocks behind SEARCH and UPLOAD_TO_META jobs. */
export { peopleSearchSchema, searchPeopleJobBlock } from './search-people.ts'
export { MAX_PROFILES, profileSearchSchema, searchProfilesJobBlock } from './search-profiles.ts'
export {
  contactUploadSchema,
  NO_RESULTS,
  uploadContactsJobBlock,
  type JobResults,
} from './upload-contacts.ts'
