import type pg from 'pg'
import { pino } from 'pino'
import { createLume, type Lume } from '../../src/app.ts'
import type { LumeConfig, LumeOptions } from '../../src/config.ts'
import type { Block } from '../../src/engine/block/block.ts'
import { startServer, type ServerOptions } from '../../src/http/server.ts'
import type { Clock } from '../../src/lib/time/clock.ts'
import { createTestDatabase } from './database.ts'
import { createGates, type Gate } from './gates.ts'
import { createGraphqlClient, type GraphqlClient } from './graphql-client.ts'

/** A real server on a free port with a database of its own. */
export interface ApiServer {
  readonly url: string
  readonly origin: string
  readonly port: number
  readonly databaseUrl: string
  readonly lume: Lume
  readonly client: GraphqlClient
  /** What a step of type `test.gate` waits for. */
  gate(name: string): Gate
  /** What was logged as a fault since the last call. */
  takeFaults(): readonly Fault[]
  /** Statements straight to the database, for what the API does not tell. */
  query<Row extends object>(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>
  /** Connections to the database that the server does not use. */
  readonly pool: pg.Pool
  stop(): Promise<void>
}

export interface Fault {
  readonly msg: string
  readonly reference?: string
  readonly err?: { readonly message: string; readonly stack: string }
}

export interface ApiServerOptions extends Omit<ServerOptions, 'lume' | 'port'> {
  readonly blocks?: readonly Block[]
  readonly clock?: Clock
  readonly role?: LumeConfig['role']
  /** Further settings. */
  readonly config?: LumeOptions
}

export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const database = await createTestDatabase()
  const faults: Fault[] = []
  const logger = pino({ level: 'error' }, { write: (line) => void faults.push(JSON.parse(line) as Fault) })
  const gates = createGates()
  const { blocks = [], clock, role = 'all', config = {}, ...serverOptions } = options
  const lume = await createLume(
    { databaseUrl: database.url, role, shutdownGraceMs: 0, ...config },
    { logger, blocks: [gates.block, ...blocks], ...(clock ? { clock } : {}) },
  )
  const server = await startServer({ isExplorable: true, ...serverOptions, lume, port: 0 })
  return {
    url: server.url,
    origin: server.origin,
    port: Number(new URL(server.origin).port),
    databaseUrl: database.url,
    pool: database.pool,
    lume,
    client: createGraphqlClient(server.url),
    gate: gates.gate,
    takeFaults: () => faults.splice(0),
    query: async <Row extends object>(sql: string, values: readonly unknown[] = []) =>
      (await database.pool.query<Row>(sql, [...values])).rows,
    async stop() {
      await server.close()
      await lume.close()
      await database.drop()
    },
  }
}
