import { PrismaPg } from '@prisma/adapter-pg'
import type pg from 'pg'
import { PrismaClient } from './generated/prisma/client.ts'

/** A Prisma client on the connections that everything else uses too. Closing it leaves the pool open. */
export function createPrisma(pool: pg.Pool): PrismaClient {
  return new PrismaClient({ adapter: new PrismaPg(pool, { disposeExternalPool: false }) })
}

/** The id of no row. */
const NO_ID = '00000000-0000-0000-0000-000000000000'

/**
 * Makes Prisma load its query compiler and compile one query of each kind that the API sends. The first queries of a process keep
 * its thread for some 300 ms, so they are made before there are clients that would wait for it.
 */
export async function prepareQueries(prisma: PrismaClient): Promise<void> {
  const where = { id: NO_ID, ownerId: '' }
  await prisma.workflow.findFirst({
    where: { ...where, deletedAt: null },
    select: { id: true, publishedVersion: { select: { definition: { select: { hash: true } } } } },
  })
  await prisma.job.findMany({ where: { ...where, id: { in: [NO_ID] } }, orderBy: { id: 'desc' } })
}
