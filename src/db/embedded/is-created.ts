import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** True if there is a database in the folder. It may also be missing, or empty. */
export function isCreated(folder: string): boolean {
  return existsSync(join(folder, 'PG_VERSION'))
}
