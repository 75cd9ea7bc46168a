import { z } from 'zod'
import { anyJson, isJsonObject, type Json, type JsonObject } from '../../../lib/json/index.ts'
import {
  createProviderClient,
  readAnswer,
  statusKind,
  type FailureKind,
  type ProviderAnswer,
  type ProviderCaller,
  type ProviderFailure,
  type ProviderRequest,
  type ProviderTraits,
  type ProviderTransport,
} from '../shared/index.ts'

const STATUS_KINDS: Readonly<Record<number, FailureKind>> = {
  402: 'outOfCredits',
  413: 'invalidRequest',
  415: 'invalidRequest',
}

/** Reads are held open while a run is waited for, so many may be under way. Apify takes 60 a second for each resource. */
const MAX_CONCURRENT_CALLS = 100
const MAX_WAIT_FOR_FINISH_SECS = 60
const POLL_TIMEOUT_MS = (MAX_WAIT_FOR_FINISH_SECS + 15) * 1_000
const ABORT_TIMEOUT_MS = 2_000
/** A run needs minutes to make room for the next one. */
const NO_ROOM_PAUSE_MS = 15_000

const TERMINAL_STATUSES: readonly string[] = ['SUCCEEDED', 'FAILED', 'TIMED-OUT', 'ABORTED']

const runSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  statusMessage: z.string().nullish(),
  defaultDatasetId: z.string(),
  usageTotalUsd: z.number().nullish(),
})
const runAnswerSchema = z.object({ data: runSchema })
/** A run of an actor, as far as Lume reads it. */
export type ApifyRun = z.output<typeof runSchema>

/** Whether a run is over, well or badly. */
export function isOver({ status }: ApifyRun): boolean {
  return TERMINAL_STATUSES.includes(status)
}

export interface RunStart {
  /** `username~name`, `username/name` or an opaque id. */
  readonly actor: string
  readonly input: Json
  readonly timeoutSecs: number
  readonly memoryMbytes?: number | undefined
  readonly build?: string | undefined
  readonly maxItems?: number | undefined
  readonly maxCostUsd?: number | undefined
}

export interface PageRequest {
  readonly datasetId: string
  readonly offset: number
  readonly limit: number
  /** Drops empty items and hidden fields: a page may then hold fewer items than its limit. */
  readonly clean: boolean
  /** Empty: all. */
  readonly fields: readonly string[]
}

export interface ItemsPage {
  readonly items: readonly Json[]
  /** In the whole dataset; null where Apify did not say. */
  readonly total: number | null
}

/** The four calls of Apify's API v2 that Lume makes (docs.apify.com/api/v2). */
export interface ApifyClient {
  /** Costs money, and Apify takes no idempotency key: never repeated. */
  startRun(start: RunStart, caller: ProviderCaller): Promise<ApifyRun>
  /** Resolves when the run is over, or with its state after a minute at most. */
  pollRun(runId: string, caller: ProviderCaller): Promise<ApifyRun>
  abortRun(runId: string, caller: ProviderCaller): Promise<void>
  readItems(page: PageRequest, caller: ProviderCaller): Promise<ItemsPage>
}

export function createApifyClient({
  baseUrl,
  ...transport
}: ProviderTransport & { readonly baseUrl: string }): ApifyClient {
  const client = createProviderClient(apifyTraits(baseUrl), transport)

  async function runOf(request: ProviderRequest, caller: ProviderCaller): Promise<ApifyRun> {
    return readAnswer(client.name, await client.send(request, caller), runAnswerSchema).data
  }

  return {
    startRun: ({ actor, input, ...options }, caller) =>
      runOf(
        {
          method: 'POST',
          path: `/v2/actors/${encodeURIComponent(actor.replace('/', '~'))}/runs`,
          query: {
            timeout: options.timeoutSecs,
            memory: options.memoryMbytes,
            build: options.build,
            maxItems: options.maxItems,
            maxTotalChargeUsd: options.maxCostUsd,
            waitForFinish: 0,
          },
          body: { json: input },
          isRepeatable: false,
          // A full account refuses starts, not reads.
          scope: 'start',
        },
        caller,
      ),
    pollRun: (runId, caller) =>
      runOf(
        {
          path: `/v2/actor-runs/${encodeURIComponent(runId)}`,
          query: { waitForFinish: MAX_WAIT_FOR_FINISH_SECS },
          timeoutMs: POLL_TIMEOUT_MS,
          isRepeatable: true,
        },
        caller,
      ),
    async abortRun(runId, caller) {
      const path = `/v2/actor-runs/${encodeURIComponent(runId)}/abort`
      await client.send(
        { method: 'POST', path, timeoutMs: ABORT_TIMEOUT_MS, isRepeatable: true, scope: 'abort' },
        caller,
      )
    },
    async readItems({ datasetId, offset, limit, clean, fields }, caller) {
      const answer = await client.send(
        {
          path: `/v2/datasets/${encodeURIComponent(datasetId)}/items`,
          query: {
            format: 'json',
            offset,
            limit,
            clean: clean ? 1 : null,
            fields: fields.length > 0 ? fields.join(',') : null,
          },
          isRepeatable: true,
        },
        caller,
      )
      const items = readAnswer(client.name, answer, z.array(anyJson()))
      const total = answer.header('x-apify-pagination-total') ?? ''
      return { items, total: /^\d+$/.test(total) ? Number(total) : null }
    },
  }
}

function apifyTraits(baseUrl: string): ProviderTraits {
  return {
    name: 'Apify',
    baseUrl,
    limits: { concurrency: MAX_CONCURRENT_CALLS },
    authorize: (credential) => ({ authorization: `Bearer ${credential}` }),
    failureOf,
  }
}

const KINDS_BY_REASON: Readonly<Record<string, FailureKind>> = {
  'actor-memory-limit-exceeded': 'rateLimited',
  'concurrent-runs-limit-exceeded': 'rateLimited',
  'not-enough-usage-to-run-paid-actor': 'outOfCredits',
  'x402-payment-required': 'outOfCredits',
  'actor-is-not-rented': 'forbidden',
  'run-failed': 'refused',
}

/** The error's type decides where it says more than the status. */
function failureOf({ status, json, text }: ProviderAnswer): ProviderFailure | null {
  if (status >= 200 && status < 300) return null
  const { type, message } = errorIn(json)
  const reason = typeof type === 'string' ? type : undefined
  const isFull = reason !== undefined && KINDS_BY_REASON[reason] === 'rateLimited'
  return {
    kind: (reason === undefined ? undefined : KINDS_BY_REASON[reason]) ?? statusKind(status, STATUS_KINDS),
    message: typeof message === 'string' ? message : text || `status ${status}`,
    ...(reason !== undefined && { reason }),
    ...(isFull && { retryAfterMs: NO_ROOM_PAUSE_MS }),
  }
}

function errorIn(json: Json | undefined): JsonObject {
  const error = isJsonObject(json) ? json['error'] : undefined
  return isJsonObject(error) ? error : {}
}
