/** The advisory lock of a process that changes the schema or converts data. Prisma's own `migrate` locks the same number. */
export const MIGRATION_LOCK = 72707369
