import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { codeOf, LumeError, messageOf } from '../../lib/index.ts'
import { isCreated, VERSION_FILE } from './is-created.ts'

/** The major version of the Postgres that PGlite is. */
export const POSTGRES_MAJOR = 18

const PAGE = 'docs/embedded-database.md'
const OTHER_FOLDER = 'name another folder with LUME_DATA_DIR'

/** Why Postgres did not start, or stopped. */
export interface Breakdown {
  readonly message: string
  /** Of an error of Node. */
  readonly code?: string | undefined
  /** The last line that Postgres logged before that. */
  readonly complaint?: string | undefined
}

/**
 * Returns whether the folder of Postgres below this data folder holds a database. Throws if it holds something else:
 * `DATA_DIR_NOT_A_FOLDER`, `EMBEDDED_DATABASE_VERSION`, or `EMBEDDED_DATABASE_DAMAGED` for files without the one that names the version.
 */
export function requireUsableFolder(dataDir: string): 'present' | 'absent' {
  const folder = join(dataDir, 'postgres')
  try {
    const kind = lstatSync(folder, { throwIfNoEntry: false })
    if (!kind) return 'absent'
    if (!statSync(folder).isDirectory()) throw notAFolder(folder)
    if (!isCreated(folder)) {
      if (readdirSync(folder).length === 0) return 'absent'
      throw damaged(dataDir, `the folder of Postgres has files, but no file ${VERSION_FILE}`)
    }
    requireVersion(dataDir, readFileSync(join(folder, VERSION_FILE), 'utf8').trim())
    return 'present'
  } catch (failure) {
    throw folderError(dataDir, failure)
  }
}

function requireVersion(dataDir: string, text: string): void {
  if (text === String(POSTGRES_MAJOR)) return
  if (!/^\d{1,3}$/.test(text)) throw damaged(dataDir, `the file ${VERSION_FILE} does not hold a version`)
  throw new LumeError(
    'EMBEDDED_DATABASE_VERSION',
    `the embedded database in ${resolve(dataDir)} was written by Postgres ${text}, and this build of Lume runs Postgres ` +
      `${POSTGRES_MAJOR}: start the ${Number(text) > POSTGRES_MAJOR ? 'newer' : 'older'} build that wrote it, or ${OTHER_FOLDER}. ` +
      `Nothing was changed (${PAGE})`,
  )
}

/** Describes why a data folder cannot be read, locked or checked; returns a `LumeError` as it is. */
export function folderError(dataDir: string, failure: unknown): LumeError {
  if (failure instanceof LumeError) return failure
  const reason = messageOf(failure)
  return systemError(dataDir, codeOf(failure) ?? '', reason) ?? unusable(dataDir, reason)
}

/** Describes why Postgres did not start in this data folder. */
export function startError(dataDir: string, breakdown: Breakdown): LumeError {
  const { message, complaint = '' } = breakdown
  const words = wordsOf(complaint)
  const refusal = systemError(dataDir, systemCodeOf(breakdown) ?? '', words || message)
  if (refusal) return refusal
  if (words !== '' && !NO_DAMAGE.test(words)) return damaged(dataDir, `Postgres says "${words}"`)
  if (words === '' && GAVE_UP.test(message))
    return damaged(dataDir, 'Postgres did not start and gave no reason')
  return stoppedError(breakdown)
}

/** Describes why Postgres stopped while it was in use. The next connection starts it again. */
export function stoppedError(breakdown: Breakdown): LumeError {
  const words = wordsOf(breakdown.complaint ?? '')
  const isFull = FULL.includes(systemCodeOf(breakdown) ?? '')
  const reason = GAVE_UP.test(breakdown.message) && words !== '' ? [words] : [breakdown.message, words]
  const remedy = isFull ? ['the disk is full: free space on it'] : []
  return new LumeError(
    'EMBEDDED_DATABASE_STOPPED',
    `the embedded database stopped: ${[...reason, ...remedy].filter(Boolean).join('; ')}`,
  )
}

/** Describes why the folder was not copied before its jobs are converted. */
export function copyError(dataDir: string, target: string, failure: unknown): LumeError {
  const reason = messageOf(failure)
  return new LumeError(
    'DATA_DIR_COPY_FAILED',
    `the data folder ${resolve(dataDir)} must be copied to ${target} before this build converts it, and that failed: ${reason}. Make ` +
      `${dirname(target)} writable with enough free space, and start again. Nothing was changed (${PAGE})`,
    { cause: failure },
  )
}

const DENIED: readonly string[] = ['EACCES', 'EPERM']
const FULL: readonly string[] = ['ENOSPC', 'EDQUOT']
const NO_FOLDER: readonly string[] = ['EEXIST', 'ENOTDIR', 'ELOOP']
/** Any code of an operating system; those of Node itself begin with `ERR_`. */
const SYSTEM_CODE = /^E[A-Z0-9]+$/

/** What Postgres, which is compiled against another C library, says for the codes of Node. */
const SYSTEM_WORDS: readonly (readonly [RegExp, string])[] = [
  [/no space left on device/i, 'ENOSPC'],
  [/quota exceeded/i, 'EDQUOT'],
  [/read-only file system/i, 'EROFS'],
  [/permission denied/i, 'EACCES'],
  [/operation not permitted/i, 'EPERM'],
  [/too many open files|no file descriptors available/i, 'EMFILE'],
  [/input\/output error|i\/o error/i, 'EIO'],
]

/** The codes of the C library that Postgres is compiled against (WASI), as far as a file system answers them. */
const WASI_CODES: Readonly<Record<number, string>> = {
  2: 'EACCES',
  19: 'EDQUOT',
  20: 'EEXIST',
  29: 'EIO',
  33: 'EMFILE',
  37: 'ENAMETOOLONG',
  41: 'ENFILE',
  44: 'ENOENT',
  51: 'ENOSPC',
  54: 'ENOTDIR',
  63: 'EPERM',
  69: 'EROFS',
}

/** Reads what was thrown while Postgres was started or ran. The file system of PGlite throws objects that have a number alone. */
export function breakdownOf(failure: unknown, complaint: string): Breakdown {
  const code = codeOf(failure) ?? wasiCodeOf(failure)
  const message = failure instanceof Error ? messageOf(failure) : (code ?? messageOf(failure))
  return { message, code, complaint }
}

function wasiCodeOf(failure: unknown): string | undefined {
  if (typeof failure !== 'object' || failure === null || !('errno' in failure)) return undefined
  return typeof failure.errno === 'number' ? WASI_CODES[failure.errno] : undefined
}

/** What PGlite says when Postgres has ended by itself. */
const GAVE_UP = /^Aborted\(|^PGlite failed to initialize|^unreachable$|^Program terminated with exit/i

/** Reasons not to start that say nothing about the files. */
const NO_DAMAGE = /memory|too many clients/i

function systemCodeOf({ code, message, complaint = '' }: Breakdown): string | undefined {
  if (code !== undefined) return code
  return SYSTEM_WORDS.find(([words]) => words.test(`${message} ${complaint}`))?.[1]
}

/** Null: the code is none of an operating system. */
function systemError(dataDir: string, code: string, reason: string): LumeError | null {
  const folder = resolve(dataDir)
  if (NO_FOLDER.includes(code)) return notAFolder(folder)
  if (FULL.includes(code)) {
    return new LumeError(
      'DATA_DIR_FULL',
      `there is no space left on the disk of the data folder ${folder}: free space on it, or ${OTHER_FOLDER} (${PAGE})`,
    )
  }
  if (code === 'EROFS') {
    return new LumeError(
      'DATA_DIR_NOT_WRITABLE',
      `the data folder ${folder} is on a read-only file system: mount it writable, or ${OTHER_FOLDER} (${PAGE})`,
    )
  }
  if (DENIED.includes(code)) {
    return new LumeError(
      'DATA_DIR_NOT_WRITABLE',
      `this process${ownUser()} may not write to the data folder ${folder}${ownerOf(folder)}: give the folder and everything in it to ` +
        `the user of this process (chown -R), or ${OTHER_FOLDER} (${PAGE})`,
    )
  }
  return SYSTEM_CODE.test(code) ? unusable(dataDir, reason) : null
}

function unusable(dataDir: string, reason: string): LumeError {
  return new LumeError(
    'DATA_DIR_UNUSABLE',
    `the data folder ${resolve(dataDir)} cannot be used: ${reason}. Remove the cause, or ${OTHER_FOLDER} (${PAGE})`,
  )
}

function notAFolder(path: string): LumeError {
  return new LumeError(
    'DATA_DIR_NOT_A_FOLDER',
    `${resolve(path)} is not a folder, or a part of its path is not: move the file in its place away, or ${OTHER_FOLDER} (${PAGE})`,
  )
}

function damaged(dataDir: string, reason: string): LumeError {
  const folder = resolve(dataDir)
  const copies = copiesOf(folder)
  const restore =
    copies.length === 0
      ? 'put a backup of the folder in its place'
      : `put a backup of the folder in its place (a copy that Lume made: ${copies.join(', ')})`
  return new LumeError(
    'EMBEDDED_DATABASE_DAMAGED',
    `the embedded database in ${folder} is damaged: ${reason}. Keep the folder as it is, ${restore}, or ${OTHER_FOLDER} to start with an ` +
      `empty database (${PAGE})`,
  )
}

/** The copies that earlier starts made of this folder. */
function copiesOf(folder: string): readonly string[] {
  const parent = dirname(folder)
  const prefix = `${basename(folder)}.`
  try {
    return readdirSync(parent)
      .filter((name) => name.startsWith(prefix) && !name.endsWith('.new'))
      .map((name) => join(parent, name))
      .filter((path) => isCreated(join(path, 'postgres')))
  } catch {
    return [] // the message is useful without them
  }
}

function ownUser(): string {
  return process.getuid ? ` (user ${process.getuid()})` : ''
}

function ownerOf(path: string): string {
  try {
    return `, which belongs to user ${statSync(path).uid}`
  } catch {
    return '' // not even that may be read
  }
}

/** The words of a line of Postgres' log, without the time and the process. */
function wordsOf(complaint: string): string {
  return complaint.replace(/^.*?(?:FATAL|PANIC):\s*/s, '').trim()
}
