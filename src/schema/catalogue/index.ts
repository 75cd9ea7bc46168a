/** Defines the GraphQL types and fields of blocks and of the graphs made of them. */
import './block.ts'
import './definition-json-schema.ts'
export { blockTypeAt, graphOf, GraphType } from './definition.ts'
