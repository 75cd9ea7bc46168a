import type { Block, BlockContext } from '../../../src/engine/block/block.ts'
import { Closers } from '../../../src/lib/async/closers.ts'
import type { JsonObject } from '../../../src/lib/json/json.ts'
import { emptyReports, runBlock, type Reports } from '../block-context.ts'
import { providerWorld } from './provider-world.ts'
import { startSupabaseServer, type StandInTable, type SupabaseServer } from './supabase-server.ts'
import { createSwiftClock } from './swift-clock.ts'

const KEY = 'eyJhbGciOi.anon.key'
const COLUMNS = ['id', 'email', 'status', 'score', 'tags', 'note']

export type Given = Partial<Pick<BlockContext, 'signal' | 'checkpoints'>> & {
  readonly key?: string
  readonly url?: string
}

/** Supabase's blocks before a project with some tables of leads: one open, one that hides its rows, one that is read-only. */
export interface SupabaseRoom {
  readonly server: SupabaseServer
  readonly key: string
  readonly leads: StandInTable
  readonly reports: Reports
  block(type: string): Block
  run(type: string, config: JsonObject, given?: Given): Promise<JsonObject>
  close(): Promise<void>
}

export async function openSupabaseRoom(rows: readonly JsonObject[], key = KEY): Promise<SupabaseRoom> {
  const closers = new Closers()
  const leads: StandInTable = { rows: [...rows], columns: COLUMNS, unique: ['email'] }
  const tables = {
    leads,
    'crm.leads': { ...leads, rows: [leadRow(99)] },
    hidden: { ...leads, rows: [leadRow(1)], isHidden: true },
    closed: { ...leads, rows: [], isReadOnly: true },
  }
  const server = await startSupabaseServer(tables, key)
  closers.add(() => server.close())
  const clock = createSwiftClock()
  const world = providerWorld({}, clock, [new URL(server.origin).host])
  closers.add(() => world.close())
  const reports = emptyReports()
  return {
    server,
    key,
    leads,
    reports,
    block: (type) => world.block(type),
    async run(type, config, { key: supabaseAnonKey = key, url: supabaseUrl = server.origin, ...given } = {}) {
      const block = world.block(type)
      const secrets = { supabaseUrl, supabaseAnonKey }
      const outcome = await runBlock(block, { config, secrets, clock, reports, ...given })
      if (outcome.kind !== 'completed') throw new Error(`the block is ${outcome.kind}`)
      return block.output.parse(outcome.output) as JsonObject
    },
    close: () => closers.close(),
  }
}

export function leadRow(id: number, more: JsonObject = {}): JsonObject {
  const email = `lead${id}@example.com`
  return { id, email, status: 'new', score: id * 10, tags: ['a'], note: null, ...more }
}
