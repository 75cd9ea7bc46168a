import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { codeOf, parseId, type JobId } from '../lib/index.ts'

const noteSchema = z.object({ executionId: z.string() })

/** Where a process on the embedded database writes which execution blocked it, before it ends itself. */
export function blockingNotePath(dataDir: string): string {
  return join(dataDir, 'blocked-by.json')
}

/** The execution that blocked the process before this one. The note counts once: it is removed. Null when there is none. */
export async function takeBlockingNote(path: string): Promise<JobId | null> {
  try {
    const { executionId } = noteSchema.parse(JSON.parse(await readFile(path, 'utf8')))
    await rm(path)
    return parseId<JobId>(executionId)
  } catch (fault) {
    // A note that was cut off says nothing; without it every loss counts.
    if (codeOf(fault) !== 'ENOENT') await rm(path, { force: true })
    return null
  }
}
