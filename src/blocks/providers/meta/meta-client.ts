import { z } from 'zod'
import { anyJson, type Json, type JsonObject } from '../../../lib/json/index.ts'
import {
  createProviderClient,
  jsonObjectSchema,
  listOf,
  readAnswer,
  type ProviderCaller,
  type ProviderTransport,
} from '../shared/index.ts'
import { metaFailure } from './meta-failure.ts'
import { readUsage } from './meta-usage.ts'

const MAX_CONCURRENT_CALLS = 5
/** From there on calls are made one after the other. */
const BUSY_PERCENT = 80
const UPLOAD_TIMEOUT_MS = 120_000
const PAGE_SIZE = 100

const audiencesSchema = z.looseObject({
  data: listOf(z.looseObject({ id: z.string(), name: z.string().nullish() })),
  paging: z
    .looseObject({
      next: z.string().nullish(),
      cursors: z.looseObject({ after: z.string().nullish() }).nullish(),
    })
    .nullish(),
})
const createdSchema = z.looseObject({ id: z.string() })
const receivedSchema = z.looseObject({
  num_received: z.int(),
  num_invalid_entries: z.int().default(0),
  invalid_entry_samples: z.union([z.array(anyJson()), jsonObjectSchema]).nullish(),
})

export interface AudienceUpload {
  readonly audienceId: string
  readonly action: 'add' | 'remove'
  readonly keys: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** What ties several uploads together; null: there is only this one. */
  readonly session: UploadSession | null
}

export interface UploadSession {
  /** Unique within the ad account, below 2^53. */
  readonly id: number
  /** From 1. */
  readonly batch: number
  readonly isLast: boolean
  readonly total: number
}

export interface UploadReceipt {
  /** In the whole session so far. */
  readonly received: number
  /** Approximate. It tells about the form of the values, not about who was found. */
  readonly invalidEntries: number
  readonly invalidSamples: readonly Json[]
}

/** The calls of Meta's Marketing API for customer file audiences. */
export interface MetaClient {
  /** The id of the account's audience of that name; the first, where there are several. */
  findAudience(accountId: string, name: string, caller: ProviderCaller): Promise<string | null>
  createAudience(accountId: string, body: JsonObject, caller: ProviderCaller): Promise<string>
  /** An audience is a set: the same rows again change nothing. */
  upload(upload: AudienceUpload, caller: ProviderCaller): Promise<UploadReceipt>
}

export function createMetaClient(ports: ProviderTransport & { readonly baseUrl: string }): MetaClient {
  const name = 'Meta'
  const client = createProviderClient(
    {
      name,
      baseUrl: ports.baseUrl,
      limits: { concurrency: MAX_CONCURRENT_CALLS },
      authorize: (token) => ({ authorization: `Bearer ${token}` }),
      failureOf: metaFailure,
      callsLeft: (answer) => (readUsage(answer).percent >= BUSY_PERCENT ? 1 : null),
    },
    ports,
  )
  const audiencesPath = (accountId: string) => `/act_${accountId}/customaudiences`

  return {
    async findAudience(accountId, wanted, caller) {
      let after: string | undefined
      for (;;) {
        const query = { fields: 'id,name', limit: PAGE_SIZE, after }
        const request = { path: audiencesPath(accountId), query, isRepeatable: true }
        const { data, paging } = readAnswer(name, await client.send(request, caller), audiencesSchema)
        const found = data.find((audience) => audience.name === wanted)
        if (found) return found.id
        after = paging?.next ? (paging.cursors?.after ?? undefined) : undefined
        if (after === undefined) return null
      }
    },
    async createAudience(accountId, json, caller) {
      const path = audiencesPath(accountId)
      // Whoever creates looks first: a second attempt finds what the first one made.
      const answer = await client.send({ method: 'POST', path, body: { json }, isRepeatable: true }, caller)
      return readAnswer(name, answer, createdSchema).id
    },
    async upload({ audienceId, action, keys, rows, session }, caller) {
      const answer = await client.send(
        {
          method: action === 'add' ? 'POST' : 'DELETE',
          path: `/${audienceId}/users`,
          body: { json: { ...sessionBody(session), payload: { schema: keys, data: rows } } },
          timeoutMs: UPLOAD_TIMEOUT_MS,
          isRepeatable: true,
        },
        caller,
      )
      const receipt = readAnswer(name, answer, receivedSchema)
      return {
        received: receipt.num_received,
        invalidEntries: receipt.num_invalid_entries,
        invalidSamples: samplesOf(receipt.invalid_entry_samples ?? []),
      }
    },
  }
}

function sessionBody(session: UploadSession | null): JsonObject {
  if (!session) return {}
  const { id, batch, isLast, total } = session
  const body = { session_id: id, batch_seq: batch, last_batch_flag: isLast, estimated_num_total: total }
  return { session: body }
}

/** They come as a list, or as an object by entry. */
function samplesOf(samples: readonly Json[] | JsonObject): readonly Json[] {
  if (Array.isArray(samples)) return samples as readonly Json[]
  return Object.entries(samples).map(([entry, reason]) => ({ [entry]: reason }))
}
