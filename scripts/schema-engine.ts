import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PGlite, types } from '@electric-sql/pglite'
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type ColumnType,
  type SqlDriverAdapter,
  type SqlQuery,
} from '@prisma/driver-adapter-utils'
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg'

const COLUMN_TYPES: Readonly<Record<number, ColumnType>> = {
  [types.BOOL]: ColumnTypeEnum.Boolean,
  [types.CHAR]: ColumnTypeEnum.Character,
  [types.INT2]: ColumnTypeEnum.Int32,
  [types.INT4]: ColumnTypeEnum.Int32,
  [types.INT8]: ColumnTypeEnum.Int64,
  [types.OID]: ColumnTypeEnum.Int64,
  1002: ColumnTypeEnum.CharacterArray,
  1003: ColumnTypeEnum.TextArray, // name[]
  1005: ColumnTypeEnum.Int32Array, // int2[]
  1007: ColumnTypeEnum.Int32Array, // int4[]
  1009: ColumnTypeEnum.TextArray, // text[]
}

/**
 * Prisma's schema engine, which compares schemas and writes migrations: the build for WebAssembly, on a Postgres in
 * memory, since the native one is a download and wants a server.
 */
export async function createSchemaEngine(): Promise<bindings.SchemaEngine> {
  await instantiate()
  const connect = async () => memoryPostgres()
  const factory = bindMigrationAwareSqlAdapterFactory({
    provider: 'postgres',
    adapterName: '@prisma/adapter-pg',
    connect,
    connectToShadowDb: connect,
  })
  return bindings.SchemaEngine.new({ datamodels: undefined }, () => undefined, factory)
}

interface Wasm {
  instantiate(binary: Uint8Array, imports: object): Promise<{ instance: { exports: WasmExports } }>
}
interface WasmExports {
  __wbindgen_start(): void
}

/** What the package's main file does by importing the .wasm file, which Node 20 cannot. */
async function instantiate(): Promise<void> {
  const folder = dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm'))
  const binary = await readFile(join(folder, 'schema_engine_bg.wasm'))
  // Of Node's globals TypeScript knows this one only with the browser's library.
  const { WebAssembly } = globalThis as unknown as { WebAssembly: Wasm }
  const { instance } = await WebAssembly.instantiate(binary, { './schema_engine_bg.js': bindings })
  const onPanic = (message: string) => console.error(`the schema engine broke down: ${message}`)
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: { set_message: onPanic } })
  bindings.__wbg_set_wasm(instance.exports)
  instance.exports.__wbindgen_start()
}

/** A fresh Postgres, made when it is first asked something: the engine also connects where it asks nothing. */
function memoryPostgres(): SqlDriverAdapter {
  let database: Promise<PGlite> | null = null
  const open = () => (database ??= PGlite.create())
  const query = async ({ sql, args }: SqlQuery) =>
    (await open()).query<unknown[]>(sql, args, { rowMode: 'array' })
  return {
    provider: 'postgres',
    adapterName: '@prisma/adapter-pg',
    getConnectionInfo: () => ({ schemaName: 'public', supportsRelationJoins: true }),
    startTransaction: () => Promise.reject(new Error('the schema engine uses no transactions of its own')),
    executeScript: async (script) => {
      await (await open()).exec(script)
    },
    executeRaw: async (statement) => (await query(statement)).affectedRows ?? 0,
    queryRaw: async (statement) => {
      const { fields, rows } = await query(statement)
      const columnTypes = fields.map(({ dataTypeID }) => COLUMN_TYPES[dataTypeID] ?? ColumnTypeEnum.Text)
      return { columnNames: fields.map(({ name }) => name), columnTypes, rows }
    },
    dispose: async () => {
      await (await database)?.close()
    },
  }
}
