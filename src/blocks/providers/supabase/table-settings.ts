import { z } from 'zod'
import type { BlockContext } from '../../../engine/block/index.ts'
import type { SupabaseCaller } from './supabase-client.ts'

export const SUPABASE_SECRETS = ['supabaseUrl', 'supabaseAnonKey'] as const

/** Where rows are, in all blocks of Supabase. */
export const tableSettings = {
  table: z.string().min(1).describe('The table or view.'),
  schema: z
    .string()
    .min(1)
    .optional()
    .describe('The schema; default: the one that the project shows first, usually public.'),
}

export function supabaseCaller({
  secrets,
  signal,
  clock,
  answers,
}: Pick<BlockContext, 'secrets' | 'signal' | 'clock' | 'answers'>): SupabaseCaller {
  const [url, key] = SUPABASE_SECRETS
  return { projectUrl: secrets.get(url), credential: secrets.get(key), signal, clock, answers }
}
