/** The advisory lock of whoever changes the schema or converts data: the number that Prisma's own `migrate` locks, too. */
export const MIGRATION_LOCK = 72707369
