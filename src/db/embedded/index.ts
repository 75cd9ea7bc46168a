/** Runs the embedded Postgres in a thread, on a data folder that one process holds at a time. */
export { copyFolderOnce } from './folder-copy.ts'
export { openEmbeddedPostgres } from './embedded-postgres.ts'
export { startUpkeep } from './upkeep.ts'
