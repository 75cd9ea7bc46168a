import type { BlockContext } from '../../../engine/block/index.ts'
import type { JsonObject } from '../../../lib/json/index.ts'
import type { ApolloPage } from './apollo-client.ts'

const MAX_PAGE_SIZE = 100
const MAX_PAGES = 500

export interface PageWish {
  readonly page: number
  readonly maxResults: number
  readonly context: Pick<BlockContext, 'progress'>
}

/** Apollo's names for where a page stands. */
export type Paging = { readonly page: number; readonly per_page: number }

/**
 * Reads as many records as are wanted, page by page. Only the total tells the end: a page in the middle may be short,
 * because Apollo leaves out records after counting them.
 */
export async function pageThrough(
  { page: first, maxResults, context }: PageWish,
  read: (paging: Paging) => Promise<ApolloPage>,
): Promise<ApolloPage> {
  const perPage = Math.min(MAX_PAGE_SIZE, maxResults)
  const records: JsonObject[] = []
  let total = 0
  for (let page = first; page <= MAX_PAGES; page++) {
    const found = await read({ page, per_page: perPage })
    for (const record of found.records) records.push(record)
    total = found.total
    const wanted = Math.max(1, Math.min(maxResults, total))
    context.progress(Math.min(1, records.length / wanted), `${records.length} of ${total} read`)
    if (records.length >= maxResults || page * perPage >= total) break
  }
  return { records: records.slice(0, maxResults), total }
}
