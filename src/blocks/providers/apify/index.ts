/** Runs Apify actors and reads their datasets. */
export { createApifyClient, type ApifyClient } from './apify-client.ts'
export { readDatasetBlock } from './read-dataset.ts'
export { runActor, runActorBlock, runActorConfigSchema, type RunActorConfig } from './run-actor.ts'
export { sampleItems } from './sample.ts'
