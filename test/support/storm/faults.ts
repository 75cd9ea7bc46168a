import pg from 'pg'
import type { PostgresServer } from '../postgres-server.ts'
import type { StormRole, StormServer } from './storm-server.ts'

/** What faults strike. */
export interface StormTargets {
  readonly servers: readonly StormServer[]
  readonly postgres: PostgresServer
  readonly leaseMs: number
}

/** A fault that was chosen. `share`: from 0 to 1, how long it lasts between its shortest and its longest time. */
export interface Fault {
  readonly kind: FaultKind
  /** The server that it strikes; for a fault of the database: all. */
  readonly server: StormServer | null
  readonly share: number
}

interface KindOfFault {
  /** The roles of the servers that it can strike; null: it strikes the database, and with that all servers. */
  readonly roles: readonly StormRole[] | null
  /** Strikes, and resolves when the fault is over. */
  strike(targets: StormTargets, fault: Fault): Promise<void>
}

const ANY: readonly StormRole[] = ['api', 'worker']
const TABLES = ['jobs', 'job_log', 'job_values', 'commands', 'idempotency_keys'] as const

/** All kinds; those that last do so for 0.4 to 1.5 leases. */
const FAULTS = {
  /** A process ends as in a power cut. */
  kill: {
    roles: ANY,
    async strike(_targets, { server }) {
      await server?.kill()
      await server?.boot()
    },
  },
  /** The connections of a process to the database break. */
  cut: {
    roles: ANY,
    async strike(_targets, { server }) {
      server?.proxy.cut()
    },
  },
  /** The connections of all processes break. */
  cutAll: {
    roles: null,
    async strike({ servers }) {
      for (const { proxy } of servers) proxy.cut()
    },
  },
  /** A session holds a lock on a table. */
  lock: {
    roles: null,
    async strike({ postgres, leaseMs }, { share }) {
      const table = TABLES[Math.floor(share * TABLES.length)] ?? TABLES[0]
      const client = new pg.Client({ connectionString: postgres.url })
      await client.connect()
      await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`)
      await pause(lasting(share, leaseMs))
      await client.end()
    },
  },
  /** A process stops for longer than its lease. */
  freeze: {
    roles: ANY,
    strike: async ({ leaseMs }, { server, share }) => server?.freeze(leaseMs * (1.1 + 0.4 * share)),
  },
  /** A process cannot reach the database, while others can. */
  isolate: {
    roles: ANY,
    strike: async ({ leaseMs }, { server, share }) => server?.isolate(lasting(share, leaseMs)),
  },
  /** The database ends at once, and starts again. */
  outage: {
    roles: null,
    async strike({ postgres, leaseMs }, { share }) {
      await postgres.crash()
      await pause(lasting(share, leaseMs))
      await postgres.restart()
    },
  },
  /** The open connections of a process go silent, and are not closed. */
  halfOpen: {
    roles: ANY,
    async strike(_targets, { server }) {
      server?.proxy.silenceOpen()
    },
  },
  /** The open connections of all processes go silent. */
  halfOpenAll: {
    roles: null,
    async strike({ servers }) {
      for (const { proxy } of servers) proxy.silenceOpen()
    },
  },
  /** A process is asked to stop, as a deploy does, and started again. */
  terminate: {
    roles: ANY,
    async strike(_targets, { server }) {
      const code = await server?.stop()
      if (code !== 0) throw new Error(`${server?.name} ended with ${code} after SIGTERM`)
      await server?.boot()
    },
  },
} as const satisfies Record<string, KindOfFault>

export type FaultKind = keyof typeof FAULTS
export const FAULT_KINDS = Object.keys(FAULTS) as readonly FaultKind[]

export function rolesOf(kind: FaultKind): readonly StormRole[] | null {
  return FAULTS[kind].roles
}

export function strike(targets: StormTargets, fault: Fault): Promise<void> {
  return FAULTS[fault.kind].strike(targets, fault)
}

function lasting(share: number, leaseMs: number): number {
  return leaseMs * (0.4 + 1.1 * share)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
