import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import type { Connections } from './limits/index.ts'
import type { Load } from './load.ts'

/** How a request was answered, as far as it is counted. */
export interface CountedRequest {
  /** Not the path itself: there are only so many of these. */
  readonly route: 'graphql' | 'other'
  readonly status: number
}

export interface Metrics {
  count(request: CountedRequest): void
  /** What Prometheus reads. */
  render(): Promise<Response>
}

export interface MetricsOptions {
  readonly connections: Pick<Connections, 'open' | 'refused'>
  /** What runs here. */
  readonly load: () => Promise<Load>
  /** Subscriptions that are open here, by how they came. */
  readonly openSubscriptions: () => Readonly<Record<'websocket' | 'sse', number>>
}

/** The measures of this process, each server's in a registry of its own. */
export function createMetrics({ load, connections, openSubscriptions }: MetricsOptions): Metrics {
  const register = new Registry()
  const registers = [register]
  collectDefaultMetrics({ register })
  const requests = new Counter({
    name: 'lume_http_requests_total',
    help: 'HTTP requests answered, by route and status.',
    labelNames: ['route', 'status'],
    registers,
  })
  const jobs = new Gauge({
    name: 'lume_jobs_held',
    help: 'Jobs that this process holds, by status.',
    labelNames: ['status'],
    registers,
  })
  const free = new Gauge({
    name: 'lume_places_free',
    help: 'How many more jobs this process could run now.',
    registers,
  })
  const outage = new Gauge({
    name: 'lume_database_outage',
    help: 'Whether statements have failed just now because the database is not available: 1 or 0.',
    registers,
  })
  const subscriptions = new Gauge({
    name: 'lume_subscriptions_open',
    help: 'Subscriptions that are open here, by transport.',
    labelNames: ['transport'],
    registers,
  })
  const open = new Gauge({
    name: 'lume_connections_open',
    help: 'Connections that are open here: `owned` ones carry an event stream or an acknowledged WebSocket, `unattributed` ones neither.',
    labelNames: ['kind'],
    registers,
  })
  const refused = new Counter({
    name: 'lume_connections_refused_total',
    help: 'Connections that were refused because their address or this process has too many.',
    registers,
  })
  const unhandled = new Counter({
    name: 'lume_block_unhandled_errors_total',
    help: 'Errors that block code neither caught nor returned, by block type; in parentheses: what belongs to no block.',
    labelNames: ['block'],
    registers,
  })
  const blocked = new Counter({
    name: 'lume_event_loop_blocked_total',
    help: 'How often the event loop was blocked for over a second, by the block type whose code ran.',
    labelNames: ['block'],
    registers,
  })
  const blockedSeconds = new Counter({
    name: 'lume_event_loop_blocked_seconds_total',
    help: 'For how long the event loop was blocked, in blocks of over a second, by the block type whose code ran.',
    labelNames: ['block'],
    registers,
  })
  const clockOffset = new Gauge({
    name: 'lume_clock_offset_seconds',
    help: 'How far the clock of this machine is ahead of the clock of the database; negative: behind.',
    registers,
  })
  let rendering: Promise<string> | null = null
  const renderText = async (): Promise<string> => {
    const { heldByStatus, hasOutage, freePlaces, unhandledErrors, blockedLoops, clockOffsetMs } = await load()
    jobs.reset()
    for (const [status, count] of Object.entries(heldByStatus)) jobs.set({ status }, count)
    outage.set(hasOutage ? 1 : 0)
    free.set(freePlaces)
    clockOffset.set(clockOffsetMs / 1_000)
    unhandled.reset()
    for (const [block, count] of unhandledErrors) unhandled.inc({ block }, count)
    blocked.reset()
    blockedSeconds.reset()
    for (const [block, { count, ms }] of blockedLoops) {
      blocked.inc({ block }, count)
      blockedSeconds.inc({ block }, ms / 1_000)
    }
    for (const [transport, count] of Object.entries(openSubscriptions())) {
      subscriptions.set({ transport }, count)
    }
    for (const [kind, count] of Object.entries(connections.open)) open.set({ kind }, count)
    refused.reset()
    refused.inc(connections.refused)
    return register.metrics()
  }
  return {
    count: ({ route, status }) => requests.inc({ route, status: String(status) }),
    async render() {
      // Requests that come while the measures are taken share them.
      rendering ??= renderText().finally(() => (rendering = null))
      return new Response(await rendering, { headers: { 'content-type': register.contentType } })
    },
  }
}
