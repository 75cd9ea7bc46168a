import { createHash, randomUUID } from 'node:crypto'
import {
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  rmdir,
  stat,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { codeOf, LumeError } from '../../lib/index.ts'
import { systemClock, type Clock } from '../../lib/time/index.ts'

// One owner per data folder, also across kill -9, reused process ids and containers.
//
// The lock is a folder, `lock`, that holds the owner's claim: an empty file whose name says who claims.
// L1  A claim is whole before it shows: its folder is prepared under another name and put in place by one rename, which
//     the file system refuses while the place holds a claim.
// L2  A dead owner's claim is deleted by its own unique name, so that nobody can delete a living one that came after it.
// L3  An owner whom this process cannot see (in another container or machine, or without /proc) is alive as long as it
//     touches its claim.

const HEARTBEAT_MS = 2_000
const SILENCE_MS = 10_000
const ATTEMPTS = 100

export interface FolderLock {
  release(): Promise<void>
}

export interface LockOptions {
  readonly clock?: Clock
  /** Called before ten seconds of listening for an owner that this process cannot see. */
  readonly onWaiting?: () => void
  /**
   * The claim cannot be renewed although it was not released: it was deleted, another process took it after a long standstill, or the
   * file system refuses the write. `failure` is what the file system answers.
   */
  readonly onLost?: (failure: unknown) => void
}

interface Watch {
  readonly clock: Clock
  readonly onWaiting: (() => void) | undefined
}

interface Claim {
  readonly file: string
  readonly pid: number
  /** When the process started, in the kernel's ticks; empty where there is no /proc. */
  readonly start: string
  readonly host: string
}

/**
 * Takes the folder for this process, creating it where there is none. Throws LumeError DATA_DIR_IN_USE if a living
 * process holds it. Whatever else is found in the lock's place (a dead owner's claim, rubbish) is cleared away.
 */
export async function lockFolder(
  folder: string,
  { clock = systemClock, onWaiting, onLost }: LockOptions = {},
): Promise<FolderLock> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const place = join(folder, 'lock')
  const claim = await ownClaim()
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await putInPlace(claim, place)) return hold(claim, place, clock, onLost)
    await clearDead(place, { clock, onWaiting })
  }
  throw new Error(`${place} can be neither taken nor cleared`)
}

async function putInPlace(claim: Claim, place: string): Promise<boolean> {
  const prepared = `${place}.${randomUUID()}`
  await mkdir(prepared)
  await writeFile(join(prepared, claim.file), '')
  try {
    await rename(prepared, place)
    return true
  } catch (failure) {
    await rm(prepared, { recursive: true, force: true })
    if (isTaken(codeOf(failure))) return false
    throw failure
  }
}

/** ENOTDIR: the place is a file, which is no claim. Windows answers EPERM where others say that it is not empty. */
function isTaken(code: string | undefined): boolean {
  return (
    code === 'ENOTEMPTY' ||
    code === 'EEXIST' ||
    code === 'ENOTDIR' ||
    (code === 'EPERM' && process.platform === 'win32')
  )
}

async function clearDead(place: string, watch: Watch): Promise<void> {
  for (const file of await claimsIn(place)) {
    const path = join(place, file)
    const holder = parseClaim(file)
    if (holder && (await isAlive(holder, path, watch))) throw inUse(place, holder)
    await rm(path, { recursive: true, force: true })
  }
  // Leaves the place alone if meanwhile another took it.
  await ignoring(['ENOTEMPTY', 'EEXIST', 'ENOENT'], rmdir(place))
}

async function claimsIn(place: string): Promise<readonly string[]> {
  try {
    return await readdir(place)
  } catch (failure) {
    if (codeOf(failure) !== 'ENOENT' && codeOf(failure) !== 'ENOTDIR') throw failure
    // A file is no claim. By now there may be a folder again, which unlink leaves alone.
    if (codeOf(failure) === 'ENOTDIR') await ignoring(['ENOENT', 'EISDIR', 'EPERM'], unlink(place))
    return []
  }
}

function inUse(place: string, holder: Claim): LumeError {
  return new LumeError(
    'DATA_DIR_IN_USE',
    `the data folder ${join(place, '..')} is in use by process ${holder.pid}: stop that process, or give this one ` +
      'another folder with LUME_DATA_DIR',
  )
}

function hold(claim: Claim, place: string, clock: Clock, onLost: LockOptions['onLost']): FolderLock {
  const path = join(place, claim.file)
  const touch = async () => {
    const now = new Date(clock.now())
    await utimes(path, now, now)
  }
  const heartbeat = setInterval(() => {
    touch().catch((failure: unknown) => {
      clearInterval(heartbeat)
      onLost?.(failure)
    })
  }, HEARTBEAT_MS)
  heartbeat.unref()
  const release = async () => {
    clearInterval(heartbeat)
    await rm(path, { force: true })
    await ignoring(['ENOTEMPTY', 'EEXIST', 'ENOENT'], rmdir(place))
  }
  return { release }
}

async function isAlive(holder: Claim, path: string, { clock, onWaiting }: Watch): Promise<boolean> {
  if (holder.host === (await hostId())) {
    const start = await startOf(holder.pid)
    if (start !== '' && holder.start !== '') return start === holder.start
    if (!processExists(holder.pid)) return false
  }
  onWaiting?.()
  const before = await touchedAt(path)
  await clock.wait(SILENCE_MS)
  const after = await touchedAt(path)
  return after !== null && after !== before
}

async function touchedAt(path: string): Promise<number | null> {
  try {
    return (await stat(path)).mtimeMs
  } catch (failure) {
    if (codeOf(failure) === 'ENOENT') return null
    throw failure
  }
}

function processExists(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (failure) {
    return codeOf(failure) === 'EPERM'
  }
}

async function ownClaim(): Promise<Claim> {
  const { pid } = process
  const start = await startOf(pid)
  const host = await hostId()
  return { file: `${pid}.${start}.${host}.${randomUUID()}`, pid, start, host }
}

function parseClaim(file: string): Claim | null {
  const [, pid, start, host] = /^(\d+)\.(\d*)\.([0-9a-f]+)\.[0-9a-f-]+$/.exec(file) ?? []
  if (pid === undefined || start === undefined || host === undefined) return null
  return { file, pid: Number(pid), start, host }
}

/** When a process started, which tells it from a later one with the same number; empty if that cannot be seen. */
async function startOf(pid: number): Promise<string> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    // Fields 3 and on, see proc_pid_stat(5); the second, the program's name, may hold spaces and brackets.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const [state, start = ''] = [fields[0], fields[19]]
    return state === 'Z' ? '' : start
  } catch {
    return ''
  }
}

/** Where process ids have one meaning: this boot of this machine and, in a container, its own numbering. */
async function hostId(): Promise<string> {
  const id = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    readlink('/proc/self/ns/pid'),
  ]).then(
    (parts) => parts.join(),
    () => hostname(),
  )
  return createHash('sha256').update(id).digest('hex').slice(0, 16)
}

async function ignoring(codes: readonly string[], work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (failure) {
    if (!codes.includes(codeOf(failure) ?? '')) throw failure
  }
}
