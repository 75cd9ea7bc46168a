import { isJsonObject, type Json, type JsonObject } from '../../../src/lib/json/json.ts'
import { startProviderServer, type Answer, type ProviderServer, type SeenCall } from './provider-server.ts'

export const APIFY_TOKEN = 'apify_api_stand-in-token'
const ACTORS: readonly string[] = ['apify~instagram-scraper', 'acme~scraper']
const TERMINAL: readonly string[] = ['SUCCEEDED', 'FAILED', 'TIMED-OUT', 'ABORTED']
const NO_LIMIT = 999_999_999_999

/** How the next run goes. */
export interface RunScript {
  readonly items?: readonly Json[]
  /** Default SUCCEEDED. */
  readonly status?: 'SUCCEEDED' | 'FAILED' | 'TIMED-OUT'
  readonly statusMessage?: string
  readonly costUsd?: number
  /** Polls that are answered at once, READY and then RUNNING, before the run is over; default 1. */
  readonly polls?: number
  /** The run ends only when the test says so; a poll with `waitForFinish` is held open until then. */
  readonly isHeld?: boolean
}

export interface StandInRun {
  readonly id: string
  readonly actor: string
  readonly input: Json
  readonly datasetId: string
  readonly options: URLSearchParams
  status: string
}

export interface ApifyServer extends ProviderServer {
  readonly runs: readonly StandInRun[]
  scriptNextRun(script: RunScript): void
  /** Brings a held run to its end. */
  finish(runId: string): void
  /** Answers the polls that are held open although their run goes on, as after a minute. */
  answerPolls(): void
  putDataset(id: string, items: readonly Json[]): void
}

interface RunState extends StandInRun {
  readonly script: RunScript
  polls: number
  readonly wakes: Set<() => void>
}

/** Answers like Apify's API v2, under both prefixes of actors. */
export async function startApifyServer(): Promise<ApifyServer> {
  const runs: RunState[] = []
  const scripts: RunScript[] = []
  const datasets = new Map<string, readonly Json[]>()
  const server = await startProviderServer(answer)

  function answer(call: SeenCall): Answer | Promise<Answer> {
    const refusal = checkToken(call)
    if (refusal) return refusal
    const [, actor, sync] =
      /^\/v2\/act(?:or)?s\/([^/]+)\/run(s|-sync-get-dataset-items)$/.exec(call.path) ?? []
    if (actor && call.method === 'POST')
      return sync === 's' ? created(start(actor, call)) : runSync(actor, call)
    const [, runId, action] = /^\/v2\/actor-runs\/([^/]+)(\/abort|\/dataset\/items)?$/.exec(call.path) ?? []
    if (runId) return onRun(runs.find(({ id }) => id === runId) ?? null, action ?? '', call)
    const [, datasetId] = /^\/v2\/datasets\/([^/]+)\/items$/.exec(call.path) ?? []
    return datasetId ? itemsOf(datasetId, call) : notFound('The requested resource was not found')
  }

  function start(actor: string, { json, query }: SeenCall): RunState | null {
    if (!ACTORS.includes(actor)) return null
    const number = runs.length + 1
    const script = scripts.shift() ?? {}
    const run = {
      id: `run${number}`,
      actor,
      input: json,
      options: query,
      datasetId: `dataset-of-run${number}`,
      status: 'READY',
      script,
      polls: 0,
      wakes: new Set<() => void>(),
    }
    datasets.set(run.datasetId, script.items ?? [])
    runs.push(run)
    return run
  }

  /** Gives the connection up after five minutes, which here is at once. */
  function runSync(actor: string, call: SeenCall): Answer {
    const run = start(actor, call)
    if (!run) return notFound('Actor was not found')
    if (run.script.isHeld)
      return failure(408, 'run-timeout-exceeded', 'Actor run exceeded the timeout of 300 seconds')
    end(run)
    if (run.status !== 'SUCCEEDED') return failure(400, 'run-failed', `Actor run did not succeed (${run.id})`)
    return { ...itemsOf(run.datasetId, call), status: 201 }
  }

  async function onRun(run: RunState | null, action: string, call: SeenCall): Promise<Answer> {
    if (!run) return notFound('Actor run was not found')
    if (action === '/dataset/items') return itemsOf(run.datasetId, call)
    if (action === '/abort') {
      if (!TERMINAL.includes(run.status)) settle(run, 'ABORTED')
    } else {
      await poll(run, Number(call.query.get('waitForFinish') ?? 0))
    }
    return { body: { data: shown(run) } }
  }

  async function poll(run: RunState, waitSecs: number): Promise<void> {
    if (TERMINAL.includes(run.status)) return
    run.status = run.polls++ === 0 ? 'READY' : 'RUNNING'
    if (run.script.isHeld) {
      if (waitSecs > 0) await new Promise<void>((resolve) => run.wakes.add(resolve))
    } else if (run.polls > (run.script.polls ?? 1)) end(run)
  }

  function itemsOf(datasetId: string, { query }: SeenCall): Answer {
    const all = datasets.get(datasetId)
    if (!all) return notFound('Dataset was not found')
    const offset = Number(query.get('offset') ?? 0)
    const limit = Number(query.get('limit') ?? NO_LIMIT)
    const page = all.slice(offset, offset + limit)
    const shownItems = query.get('clean') === '1' ? page.flatMap(cleaned) : page
    const fields = query.get('fields')?.split(',') ?? null
    const body = fields ? shownItems.map((item) => only(item, fields)) : shownItems
    return {
      headers: {
        'x-apify-pagination-offset': String(offset),
        'x-apify-pagination-limit': String(limit),
        'x-apify-pagination-count': String(body.length),
        'x-apify-pagination-total': String(all.length),
      },
      body,
    }
  }

  return {
    ...server,
    runs,
    scriptNextRun: (script) => void scripts.push(script),
    finish(runId) {
      const run = runs.find(({ id }) => id === runId)
      if (!run) throw new Error(`there is no run ${runId}`)
      end(run)
    },
    answerPolls() {
      for (const run of runs) wake(run)
    },
    putDataset: (id, items) => void datasets.set(id, items),
  }
}

function end(run: RunState): void {
  settle(run, run.script.status ?? 'SUCCEEDED')
}

function settle(run: RunState, status: string): void {
  run.status = status
  wake(run)
}

function wake({ wakes }: RunState): void {
  const resolvers = [...wakes]
  wakes.clear()
  for (const resolve of resolvers) resolve()
}

function created(run: RunState | null): Answer {
  if (!run) return notFound('Actor was not found')
  return { status: 201, headers: { location: `/v2/actor-runs/${run.id}` }, body: { data: shown(run) } }
}

function shown({ id, status, datasetId, script, options }: RunState): JsonObject {
  const isOver = TERMINAL.includes(status)
  return {
    id,
    actId: 'shu8hvrXbJbY3Eb9W',
    userId: 'BPWZBd7Z9c746JAng',
    status,
    statusMessage: script.statusMessage ?? null,
    startedAt: '2027-01-01T00:00:00.000Z',
    finishedAt: isOver ? '2027-01-01T00:01:00.000Z' : null,
    meta: { origin: 'API' },
    stats: { computeUnits: 0 },
    options: { build: 'latest', timeoutSecs: Number(options.get('timeout') ?? 300), memoryMbytes: 1024 },
    defaultDatasetId: datasetId,
    usageTotalUsd: isOver ? (script.costUsd ?? 0.05) : 0,
  }
}

/** Hidden fields and what is empty then are left out: a page gets shorter. */
function cleaned(item: Json): readonly Json[] {
  if (!isJsonObject(item)) return [item]
  const visible = Object.entries(item).filter(([field]) => !field.startsWith('#'))
  return visible.length > 0 ? [Object.fromEntries(visible)] : []
}

function only(item: Json, fields: readonly string[]): Json {
  if (!isJsonObject(item)) return item
  return Object.fromEntries(Object.entries(item).filter(([field]) => fields.includes(field)))
}

function checkToken({ headers, query }: SeenCall): Answer | null {
  const token = headers.authorization?.replace(/^Bearer /, '') ?? query.get('token')
  if (!token) return failure(401, 'token-not-provided', 'Authentication token was not provided')
  return token === APIFY_TOKEN ? null : failure(401, 'invalid-token', 'Authentication token is not valid')
}

function notFound(message: string): Answer {
  return failure(404, 'record-not-found', message)
}

function failure(status: number, type: string, message: string): Answer {
  return { status, body: { error: { type, message } } }
}
