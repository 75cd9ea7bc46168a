/** Checks user-supplied JSON Schemas in a separate thread, with bounded time and memory. */
export { SCHEMA_CHECKS_ALLOWANCE, SCHEMA_CHECKS_MAX_WAITING, SchemaChecks } from './schema-checks.ts'
