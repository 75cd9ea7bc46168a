/** Opens the database, migrates it, and passes wake-up hints between processes. */
export { openDatabase, type Database } from './connect.ts'
export { SILENCE_MAX_MS } from './connections/index.ts'
export { openDatabaseClock } from './database-clock.ts'
export { getDatamodel, type default as PrismaTypes } from './generated/pothos.ts'
export type { PrismaClient } from './generated/prisma/client.ts'
export { createPrisma, prepareQueries } from './prisma.ts'
export { upgrade } from './upgrade.ts'
export { createLocalWakeups, createPostgresWakeups, type Wakeups } from './wakeups.ts'
