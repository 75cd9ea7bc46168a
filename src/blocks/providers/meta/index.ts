/** Creates custom audiences at Meta and uploads hashed contacts to them. */
export { audienceSchema, createAudienceBlock, findOrCreateAudience } from './create-audience.ts'
export { createMetaClient, type MetaClient } from './meta-client.ts'
export {
  sampleUpload,
  uploadAudience,
  uploadAudienceBlock,
  uploadOptions,
  uploadOutputSchema,
  uploadTarget,
} from './upload-audience.ts'
