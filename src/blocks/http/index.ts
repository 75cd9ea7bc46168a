/** Provides the block that sends one HTTP request, and HTTP for custom blocks. */
export { createBlockHttp } from './block-http.ts'
export { httpBlock } from './http-block.ts'
