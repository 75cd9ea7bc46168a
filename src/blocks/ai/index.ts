/** Provides the blocks that ask a language model for text, objects, and properties of items. */
export { chatBlock } from './chat.ts'
export { contactBlock } from './contact.ts'
export { interestBlock } from './interest.ts'
export { objectBlock } from './object.ts'
export { sentimentBlock } from './sentiment.ts'
