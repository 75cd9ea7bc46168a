/** Selects and upserts rows of Supabase tables. */
export { selectBlock } from './select.ts'
export { createSupabaseClient } from './supabase-client.ts'
export { upsertBlock } from './upsert.ts'
