/** Runs the embedded Postgres in a thread, on a data folder that one process holds at a time. */
export { openEmbeddedPostgres } from './embedded-postgres.ts'
export { startUpkeep } from './upkeep.ts'
