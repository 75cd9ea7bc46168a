import { existsSync } from 'node:fs'
import { cp, rename, rm } from 'node:fs/promises'
import { dirname, relative, resolve, sep } from 'node:path'
import { copyError } from './folder-errors.ts'
import { syncFolder, syncPath } from './durable-files.ts'

/**
 * Copies a data folder, without its lock, and returns the copy's path; null: the copy was there before. The database in the folder must
 * be idle and its last checkpoint complete. A copy that was cut off has another name, so that it is not taken for a whole one. Throws
 * `DATA_DIR_COPY_FAILED`.
 */
export async function copyFolderOnce(folder: string, suffix: string): Promise<string | null> {
  const source = resolve(folder)
  const target = `${source}.${suffix}`
  if (existsSync(target)) return null
  const draft = `${target}.new`
  try {
    await rm(draft, { recursive: true, force: true })
    await cp(source, draft, { recursive: true, filter: (path) => !isLock(relative(source, path)) })
    await syncFolder(draft)
    await rename(draft, target)
    syncPath(dirname(target))
    return target
  } catch (failure) {
    await rm(draft, { recursive: true, force: true }).catch(() => {}) // the first failure is the reason
    throw copyError(source, target, failure)
  }
}

function isLock(path: string): boolean {
  const [first = ''] = path.split(sep)
  return first === 'lock' || first.startsWith('lock.')
}
