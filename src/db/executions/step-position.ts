// The order of steps is that of the log's pages. This module and the journal use it until they read the log themselves.
export { indexText, positionOf } from '../log/index.ts'
