import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, fsyncSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import pg from 'pg'
import { openDatabase } from '../../src/db/connect.ts'
import { createCluster, openCluster } from '../../src/db/embedded/cluster.ts'
import { openEmbeddedPostgres, type EmbeddedPostgres } from '../../src/db/embedded/embedded-postgres.ts'
import { copyFolderOnce } from '../../src/db/embedded/folder-copy.ts'
import { POSTGRES_MAJOR } from '../../src/db/embedded/folder-errors.ts'
import { keepUp } from '../../src/db/embedded/upkeep.ts'
import { migrate } from '../../src/db/migrations/migrate.ts'

const ROOT = join(import.meta.dirname, '../..')
const HAS_PRISMA_CLIENT = existsSync(join(ROOT, 'src/db/generated/prisma/client.ts'))

// The JSON that exhausts even a large stack: Postgres breaks down where it should answer with an error.
const BREAKDOWN = "select repeat('[', 30000000)::json"

const onCreating = jest.fn()
let dataDir: string
let embedded: EmbeddedPostgres
let pool: pg.Pool

// One database for the whole file, in the order of its tests: to create it takes seconds.
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'lume-embedded-'))
  await openIt()
  await pool.query('create table numbers (n int primary key)')
}, 60_000)

afterAll(async () => {
  await closeIt()
  await rm(dataDir, { recursive: true })
})

async function openIt(): Promise<void> {
  embedded = await openEmbeddedPostgres({ dataDir, onCreating })
  pool = new pg.Pool(embedded.connection)
  pool.on('connect', (client) => client.on('error', () => undefined))
  pool.on('error', () => undefined)
}

async function closeIt(): Promise<void> {
  await pool.end()
  await embedded.close()
}

async function numbers(): Promise<readonly number[]> {
  const { rows } = await pool.query<{ n: number }>('select n from numbers order by n')
  return rows.map(({ n }) => n)
}

describe('as a Postgres', () => {
  test('sessions are durable and in UTC', async () => {
    const names = [
      'fsync',
      'synchronous_commit',
      'full_page_writes',
      'wal_sync_method',
      'TimeZone',
      'server_encoding',
    ]
    const settings = names.map((name) => `current_setting('${name}') as "${name}"`)
    expect((await pool.query(`select ${settings.join()}`)).rows).toEqual([
      {
        fsync: 'on',
        synchronous_commit: 'on',
        full_page_writes: 'on',
        wal_sync_method: 'fsync',
        TimeZone: 'UTC',
        server_encoding: 'UTF8',
      },
    ])
  })

  test('parallel queries queue up, and each gets its own answer', async () => {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => pool.query<{ i: number }>('select $1::int as i', [i])),
    )
    expect(answers.map(({ rows }) => rows[0]?.i)).toEqual(Array.from({ length: 200 }, (_, i) => i))
  })

  test('an error is an answer, and the connection goes on', async () => {
    await expect(pool.query('select 1 / $1::int', [0])).rejects.toMatchObject({ code: '22012' })
    await expect(pool.query('no sql; select 1')).rejects.toMatchObject({ code: '42601' })
    expect((await pool.query('select 1 as one; select 2 as two')) as unknown).toEqual([
      expect.objectContaining({ rows: [{ one: 1 }] }),
      expect.objectContaining({ rows: [{ two: 2 }] }),
    ])
  })

  test('prepared statements live as long as their connection', async () => {
    const query = { name: 'double', text: 'select $1::int * 2 as n' }
    for (const i of [1, 2, 3]) expect((await pool.query(query, [i])).rows).toEqual([{ n: i * 2 }])
    expect((await pool.query('select name from pg_prepared_statements')).rows).toEqual([{ name: 'double' }])
    await withClient(async () => undefined)
    expect((await pool.query('select name from pg_prepared_statements')).rows).toEqual([])
    expect((await pool.query(query, [4])).rows).toEqual([{ n: 8 }])
  })

  test('values of many megabytes go both ways', async () => {
    const text = 'äb\n'.repeat(4_000_000)
    const bytes = Buffer.alloc(8_000_000, 'x')
    const { rows } = await pool.query('select $1::text as text, $2::bytea as bytes', [text, bytes])
    expect(rows[0].text === text).toBe(true)
    expect(bytes.equals(rows[0].bytes)).toBe(true)
  })

  test('very deep nesting is an error of Postgres, not the end of it', async () => {
    const deepJson = pool.query("select (repeat('[', 100000) || repeat(']', 100000))::json is null as n")
    expect((await deepJson).rows).toEqual([{ n: false }])
    await pool.query(
      `create function forever(i int) returns int language plpgsql as 'begin return forever(i + 1); end'`,
    )
    await expect(pool.query('select forever(1)')).rejects.toMatchObject({ code: '54001' })
  })

  test('notifications reach the connection', async () => {
    await withClient(async (client) => {
      const notified = once(client, 'notification')
      await client.query('listen news')
      await client.query("notify news, 'hello'")
      expect(await notified).toMatchObject([{ channel: 'news', payload: 'hello' }])
    })
    expect((await pool.query('select pg_listening_channels()')).rows).toEqual([])
  })
})

describe('transactions', () => {
  test('commit and roll back', async () => {
    await withClient(async (client) => {
      await client.query('begin')
      await client.query('insert into numbers values (1)')
      await client.query('commit')
      await client.query('begin')
      await client.query('insert into numbers values (2)')
      await client.query('rollback')
    })
    expect(await numbers()).toEqual([1])
  })

  test('keep the other queries waiting until they end', async () => {
    const seenByAnother = await withClient(async (client) => {
      await client.query('begin')
      await client.query('insert into numbers values (3)')
      const seen = numbers()
      await client.query('rollback')
      return { seen }
    })
    expect(await seenByAnother.seen).toEqual([1])
  })

  test('are rolled back when their client goes', async () => {
    await withClient(async (client) => {
      await client.query('begin')
      await client.query('insert into numbers values (4)')
      await client.query("set work_mem = '5MB'")
    })
    expect(await numbers()).toEqual([1])
    expect((await pool.query('show work_mem')).rows).toEqual([{ work_mem: '4MB' }])
  })

  test('are rolled back when their client goes in the middle of a query', async () => {
    const cutOff = await withClient(async (client) => {
      await client.query('begin')
      const query = client.query(
        'insert into numbers select 5 from (select count(*) from generate_series(1, 9999)) x',
      )
      return { outcome: expect(query).rejects.toThrow('Connection terminated') }
    })
    await cutOff.outcome
    expect(await numbers()).toEqual([1])
  })
})

describe('one connection', () => {
  test('a second one at the same time is refused', async () => {
    await pool.query('select 1')
    const other = new pg.Pool(embedded.connection)
    await expect(other.query('select 1')).rejects.toMatchObject({ code: 'EMBEDDED_DATABASE_BUSY' })
    expect(await numbers()).toEqual([1])
    await other.end()
  })

  test('settings of the environment for other Postgres servers do not matter', async () => {
    Object.assign(process.env, { PGSSLMODE: 'require', PGUSER: 'other', PGHOST: 'nowhere.invalid' })
    await withClient(async () => undefined)
    expect(await numbers()).toEqual([1])
    for (const name of ['PGSSLMODE', 'PGUSER', 'PGHOST']) delete process.env[name]
  })
})

describe('durability', () => {
  test('every commit is on the disk before it is answered', async () => {
    await closeIt()
    const sync = jest.fn(fsyncSync)
    const postgres = await openCluster(join(dataDir, 'postgres'), { sync })
    for (const n of [10, 11, 12]) {
      sync.mockClear()
      await postgres.query('insert into numbers values ($1)', [n])
      expect(sync).toHaveBeenCalled()
    }
    await postgres.close()
    await openIt()
    expect(await numbers()).toEqual([1, 10, 11, 12])
  })

  test('a breakdown is never taken for success: its query fails, and what was committed stays', async () => {
    await withClient(async (client) => {
      await client.query('begin')
      await client.query('insert into numbers values (20)')
      const query = client.query(`insert into numbers select 21 where ((${BREAKDOWN}) is not null) = $1`, [
        true,
      ])
      await expect(query).rejects.toMatchObject({
        code: 'EMBEDDED_DATABASE_STOPPED',
        message: expect.stringContaining('Maximum call stack size exceeded'),
      })
    })
    expect(await numbers()).toEqual([1, 10, 11, 12])
  })

  test('after a breakdown the next connection finds a database that works', async () => {
    const [broken, next] = await Promise.allSettled([pool.query(BREAKDOWN), numbers()])
    expect(broken.status).toBe('rejected')
    expect(next).toEqual({ status: 'fulfilled', value: [1, 10, 11, 12] })
  })

  test('upkeep lets the log be reused and clears dead rows away', async () => {
    const logBytes = async () => {
      const { rows } = await pool.query<{ bytes: string }>(
        'select pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn) as bytes from pg_control_checkpoint()',
      )
      return Number(rows[0]?.bytes)
    }
    await pool.query('create table filler (x text)')
    await pool.query(`insert into filler select md5(i::text) from generate_series(1, 600000) i`)
    await pool.query('delete from filler')
    expect(await logBytes()).toBeGreaterThan(64 * 1024 * 1024)
    await keepUp(pool)
    expect(await logBytes()).toBeLessThan(8 * 1024 * 1024)
    expect((await pool.query("select pg_relation_size('filler') as bytes")).rows).toEqual([{ bytes: '0' }])
  })

  test('what was written is there after closing and opening again', async () => {
    await closeIt()
    onCreating.mockClear()
    await openIt()
    expect(onCreating).not.toHaveBeenCalled()
    expect(await numbers()).toEqual([1, 10, 11, 12])
  })
})

test('openDatabase opens it where no server is named', async () => {
  await closeIt()
  const logger = { info: jest.fn(), warn: jest.fn() }
  const database = await openDatabase({ dataDir, logger })
  expect(database.kind).toBe('embedded')
  expect((await database.pool.query('select count(*)::int as count from numbers')).rows).toEqual([
    { count: 4 },
  ])
  await database.close()
  await openIt()
  expect(logger.info).not.toHaveBeenCalled()
  expect(logger.warn).not.toHaveBeenCalled()
})

describe('the data folder', () => {
  test('has one owner: a second is refused until the first is gone, also by kill -9, which loses nothing', async () => {
    await closeIt()
    const holder = spawn(process.execPath, ['--import', 'tsx', 'test/support/embedded-holder.ts', dataDir], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface(holder.stdout), 'line')) as [string]
    expect(line).toBe('30 is committed, 31 is not')

    await expect(openEmbeddedPostgres({ dataDir })).rejects.toMatchObject({
      code: 'DATA_DIR_IN_USE',
      message: expect.stringContaining(`in use by process ${holder.pid}`),
    })
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    await openIt()
    expect(await numbers()).toEqual([1, 10, 11, 12, 30])
  })

  test('is written to no longer when it is lost: the connection fails, and no other opens', async () => {
    const failed = new Promise((resolve) => pool.once('error', resolve))
    await rm(join(dataDir, 'lock'), { recursive: true })
    expect(await failed).toMatchObject({
      code: 'EMBEDDED_DATABASE_STOPPED',
      message: expect.stringContaining(dataDir),
    })
    await expect(pool.query('select 1')).rejects.toMatchObject({ code: 'EMBEDDED_DATABASE_STOPPED' })
    await closeIt()
    await openIt()
    expect(await numbers()).toEqual([1, 10, 11, 12, 30])
  })

  test('is not closed by a creation that was cut off', async () => {
    const folder = join(dataDir, 'other')
    await mkdir(`${folder}.new`)
    await writeFile(join(`${folder}.new`, 'PG_VERSION'), '18')
    await createCluster(folder)
    expect(await readdir(folder)).toContain('PG_VERSION')
    expect(existsSync(`${folder}.new`)).toBe(false)
  })
})

describe('a data folder that cannot be used is refused with a code and what to do:', () => {
  const REMEDY = expect.stringMatching(/LUME_DATA_DIR.*docs\/embedded-database\.md/)
  const inPostgres = (path: string) => join(dataDir, 'postgres', path)

  beforeAll(() => closeIt())
  afterAll(() => openIt())

  /** Puts what `damage` moves to `.kept` back in its place. */
  async function refusalAfter(path: string, damage: (path: string) => Promise<void>): Promise<unknown> {
    const place = inPostgres(path)
    await rename(place, `${place}.kept`)
    try {
      await damage(place)
      return await refusal(dataDir)
    } finally {
      await rm(place, { recursive: true, force: true })
      await rename(`${place}.kept`, place)
    }
  }

  test.each<[string, string, (path: string) => Promise<void>, string]>([
    ['a truncated pg_control', 'global/pg_control', cutTo(100), 'could not read file "global/pg_control"'],
    ['no log', 'pg_wal', async () => {}, 'required WAL directory "pg_wal" does not exist'],
    ['an empty log', 'pg_wal', (path) => mkdir(path), 'checkpoint record'],
    ['no version', 'PG_VERSION', async () => {}, 'no file PG_VERSION'],
    ['a version that cannot be read', 'PG_VERSION', zeros(3), 'does not hold a version'],
  ])('damage, as of %s', async (_, path, damage, words) => {
    const copy = `${dataDir}.before-log`
    await mkdir(join(copy, 'postgres'), { recursive: true })
    await writeFile(join(copy, 'postgres/PG_VERSION'), '18')
    const refused = await refusalAfter(path, damage)
    await rm(copy, { recursive: true })
    expect(refused).toMatchObject({ code: 'EMBEDDED_DATABASE_DAMAGED', message: REMEDY })
    expect(refused).toMatchObject({ message: expect.stringContaining(words) })
    expect(refused).toMatchObject({ message: expect.stringContaining(`(a copy that Lume made: ${copy})`) })
    expect(String(refused)).not.toMatch(/ASSERTIONS|Aborted|PGlite|\n/)
  })

  test.each([
    [17, 'older'],
    [19, 'newer'],
  ])('a database of Postgres %d', async (version, build) => {
    const refused = await refusalAfter('PG_VERSION', (path) => writeFile(path, `${version}\n`))
    expect(refused).toMatchObject({ code: 'EMBEDDED_DATABASE_VERSION', message: REMEDY })
    expect(refused).toMatchObject({ message: expect.stringContaining(`start the ${build} build`) })
  })

  test('a file where the folder, a folder above it or the folder of Postgres should be', async () => {
    const place = join(dataDir, 'place')
    await mkdir(place)
    await writeFile(join(place, 'postgres'), '')
    for (const folder of [place, join(place, 'postgres'), join(place, 'postgres/below')]) {
      expect(await refusal(folder)).toMatchObject({ code: 'DATA_DIR_NOT_A_FOLDER', message: REMEDY })
    }
  })

  test('a folder that this user may not write to, and a copy that this user may not make', async () => {
    const folder = join(dataDir, 'foreign')
    await mkdir(join(folder, 'data'), { recursive: true })
    await chmod(dataDir, 0o755)
    for (const path of [join(folder, 'data'), folder]) await chmod(path, 0o555)
    const [refused, copied] = await asOrdinaryUser(async () => [
      await refusal(join(folder, 'data')),
      await copyFolderOnce(join(folder, 'data'), 'before-log').catch((failure: unknown) => failure),
    ])
    await chmod(folder, 0o755)
    expect(refused).toMatchObject({ code: 'DATA_DIR_NOT_WRITABLE', message: REMEDY })
    expect(refused).toMatchObject({
      message: expect.stringMatching(/\(user \d+\).*belongs to user \d+.*chown/),
    })
    expect(copied).toMatchObject({
      code: 'DATA_DIR_COPY_FAILED',
      message: expect.stringContaining(`Make ${folder} writable`),
    })
  })

  test('none of it is damage to a folder that is whole', async () => {
    expect((await readFile(inPostgres('PG_VERSION'), 'utf8')).trim()).toBe(String(POSTGRES_MAJOR))
    await openIt()
    expect(await numbers()).toEqual([1, 10, 11, 12, 30])
    await closeIt()
  })

  async function refusal(folder: string): Promise<unknown> {
    try {
      const opened = await openEmbeddedPostgres({ dataDir: folder })
      await opened.close()
    } catch (failure) {
      return failure
    }
    throw new Error('the folder was opened')
  }

  function zeros(bytes: number): (path: string) => Promise<void> {
    return (path) => writeFile(path, Buffer.alloc(bytes))
  }

  function cutTo(bytes: number): (path: string) => Promise<void> {
    return async (path) => {
      await writeFile(path, await readFile(`${path}.kept`))
      await truncate(path, bytes)
    }
  }

  /** Root may write everywhere: the work is done as the user nobody. */
  async function asOrdinaryUser<T>(work: () => Promise<T>): Promise<T> {
    const isRoot = process.geteuid?.() === 0
    if (isRoot) process.seteuid?.(65_534)
    try {
      return await work()
    } finally {
      if (isRoot) process.seteuid?.(0)
    }
  }
})

test('the migrations of this build apply, once', async () => {
  expect((await migrate(pool)).length).toBeGreaterThan(0)
  expect(await migrate(pool)).toEqual([])
})

const testWithClient = HAS_PRISMA_CLIENT ? test : test.skip
testWithClient('Prisma works on the same connection', async () => {
  const { createPrisma } = await import('../../src/db/prisma.ts')
  const prisma = createPrisma(pool)
  const id = '01890000-0000-7000-8000-000000000000'
  const at = new Date('2024-02-29T12:34:56.789Z')
  await prisma.$transaction(async (transaction) => {
    await transaction.workflow.create({
      data: { id, ownerId: 'me', name: 'first', draft: { nodes: [] }, createdAt: at, updatedAt: at },
    })
  })
  expect(await prisma.workflow.findUnique({ where: { id } })).toMatchObject({ name: 'first', createdAt: at })
  expect((await pool.query('select created_at::text as at from workflows')).rows).toEqual([
    { at: '2024-02-29 12:34:56.789+00' },
  ])
  await prisma.$disconnect()
})

/** Gives the work a client of its own, which is then closed. */
async function withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    return await work(client)
  } finally {
    client.release(true)
  }
}
