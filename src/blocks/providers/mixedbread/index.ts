/** Embeds texts and reranks documents with Mixedbread. */
export { embedBlock } from './embed.ts'
export { createMixedbreadClient } from './mixedbread-client.ts'
export { rerankBlock } from './rerank.ts'
