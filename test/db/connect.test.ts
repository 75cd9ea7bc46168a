import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals'
import { openDatabase, type Database } from '../../src/db/connect.ts'
import { Closers } from '../../src/lib/async/closers.ts'
import { createTestDatabase, urlOf, type TestDatabase } from '../support/database.ts'

const opened = new Closers()
let server: TestDatabase

beforeAll(async () => {
  server = await createTestDatabase()
})

afterEach(() => opened.close())
afterAll(() => server.drop())

test('sessions on a server are in UTC and say whose they are, whatever else the URL sets', async () => {
  const url = `${server.url}?options=${encodeURIComponent('-c TimeZone=Asia/Tokyo -c work_mem=5MB')}`
  const database = await open(url)
  const settings = ['TimeZone', 'work_mem', 'application_name'].map(
    (name) => `current_setting('${name}') as "${name}"`,
  )
  const { rows } = await database.pool.query(`select ${settings.join()}`)
  expect(rows).toEqual([{ TimeZone: 'UTC', work_mem: '5MB', application_name: 'lume' }])
  expect(database.kind).toBe('server')
})

test.each(['idle', 'in use'])(
  'a connection that breaks while it is %s is replaced, and has no line in the log',
  async (state) => {
    const warn = jest.fn()
    const database = await open(server.url, warn)
    const client = await database.pool.connect()
    const broken = new Promise((resolve) => client.once('end', resolve))
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    if (state === 'idle') client.release()
    await server.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid])
    await broken
    if (state === 'in use') client.release()
    expect(warn).not.toHaveBeenCalled()
    expect((await database.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  },
)

test.each(['nonsense', '', 'mysql://lume:hush@host/database', 'postgres://lume:hush#1@host/database'])(
  'a DATABASE_URL that cannot be read is refused: %j',
  async (url) => {
    const failure = await failureOf(url)
    expect(failure).toMatchObject({
      code: 'DATABASE_URL_INVALID',
      message: expect.stringContaining('cannot be read'),
    })
    expect(everythingIn(failure)).not.toContain('hush')
  },
)

test('a wrong password is refused, and not repeated', async () => {
  const url = new URL(server.url)
  url.password = 'hush'
  const failure = await failureOf(url.href)
  expect(failure).toMatchObject({
    code: 'DATABASE_URL_INVALID',
    message: expect.stringContaining('refuses the user or the password'),
  })
  expect(everythingIn(failure)).not.toContain('hush')
})

test('a database that does not exist is named', async () => {
  expect(await failureOf(urlOf('no_such_database'))).toMatchObject({
    code: 'DATABASE_URL_INVALID',
    message: expect.stringMatching(/no_such_database.*no such database/),
  })
})

test('a server that cannot be reached is named', async () => {
  const closed = await listen()
  const { port } = closed.address() as AddressInfo
  await opened.close()
  const failure = await failureOf(`postgres://lume:hush@127.0.0.1:${port}/lume`)
  expect(failure).toMatchObject({
    code: 'DATABASE_UNREACHABLE',
    message: expect.stringContaining(`lume@127.0.0.1:${port}/lume`),
  })
  expect(everythingIn(failure)).not.toContain('hush')
})

test('a Postgres older than 15 is refused', async () => {
  const old = await listen()
  old.on('connection', (socket) => {
    socket.once('data', () => {
      socket.write(Buffer.concat([message('R', int32(0)), READY]))
      // The settings of the session, then the question for the version.
      socket.on('data', () => socket.write(Buffer.concat([versionRow('14.12 (Debian 14.12-1)'), READY])))
    })
  })
  const { port } = old.address() as AddressInfo
  expect(await failureOf(`postgres://lume@127.0.0.1:${port}/lume`)).toMatchObject({
    code: 'DATABASE_TOO_OLD',
    message: expect.stringMatching(/Postgres 14\.12 .*Postgres 15 or newer/),
  })
})

async function open(
  databaseUrl: string,
  warn: (...facts: unknown[]) => void = () => undefined,
): Promise<Database> {
  const database = await openDatabase({
    databaseUrl,
    dataDir: 'unused',
    logger: { info: () => undefined, warn },
  })
  opened.add(() => database.close())
  return database
}

async function failureOf(databaseUrl: string): Promise<unknown> {
  return open(databaseUrl).catch((failure: unknown) => failure)
}

/** What a log would show of an error. */
function everythingIn(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure)
  return [failure.stack, JSON.stringify(failure), failure.cause ? everythingIn(failure.cause) : ''].join()
}

async function listen(): Promise<Server> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  opened.add(async () => {
    listener.close()
    await once(listener, 'close')
  })
  return listener
}

// As much of Postgres' protocol as answers the question for its version.
const READY = message('Z', Buffer.from('I'))

function versionRow(version: string): Buffer {
  const column = Buffer.concat([
    Buffer.from('version\0'),
    int32(0),
    int16(0),
    int32(25),
    int16(-1),
    int32(-1),
    int16(0),
  ])
  const value = Buffer.from(version)
  return Buffer.concat([
    message('T', Buffer.concat([int16(1), column])),
    message('D', Buffer.concat([int16(1), int32(value.length), value])),
    message('C', Buffer.from('SHOW\0')),
  ])
}

function message(type: string, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(content.length + 4), content])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
