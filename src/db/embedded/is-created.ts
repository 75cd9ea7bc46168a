import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** The file of a database that holds its major version. */
export const VERSION_FILE = 'PG_VERSION'

/** True if there is a database in the folder. It may also be missing, or empty. */
export function isCreated(folder: string): boolean {
  return existsSync(join(folder, VERSION_FILE))
}
