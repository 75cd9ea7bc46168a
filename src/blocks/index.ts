/** Creates the blocks that call models and providers, and those of lead enrichment. */
export { providerBlocks } from './providers.ts'
