/** Reads migrations and brings a database to the schema of this build. */
export { migrate } from './migrate.ts'
export { readMigrations } from './read-migrations.ts'
