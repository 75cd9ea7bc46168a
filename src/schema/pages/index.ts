/** Reads the arguments of lists, and answers lists page by page. */
export { keysetConnection, pageOf, readPageArguments, type PageArguments } from './keyset-connection.ts'
export { OrderDirectionEnum } from './list-order.ts'
export { newestFirst, newestFirstPage } from './newest-first.ts'
