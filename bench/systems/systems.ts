import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { inFlight } from '../measure/in-flight.ts'
import { startLume, type Lume } from './lume.ts'
import type { BenchPostgres, Database } from './postgres.ts'
import { startServedSystem } from './served-system.ts'
import { chainOf, type System } from './system.ts'

/** The peers, by the names of their programs under `bench/peers/`. */
export const PEERS = ['dbos', 'bullmq', 'graphile-worker', 'restate'] as const

const LOOP = fileURLToPath(new URL('./loop.ts', import.meta.url))
const PEERS_FOLDER = fileURLToPath(new URL('../peers/', import.meta.url))

const WARM_UP_SHAPE = chainOf(10)
const WARM_UP_WIDTH = 50

/** Starts systems, each on a database of its own. */
export interface Systems {
  readonly isEmbedded: boolean
  startLume(): Promise<Lume>
  /** The loop, the wanted peers and Lume. They start one after the other and stay idle until they are measured. */
  startAll(): Promise<readonly System[]>
  /** Starts the loop and Lume alone. */
  startPair(): Promise<{ readonly loop: System; readonly lume: Lume }>
}

export interface SystemsOptions {
  readonly postgres: BenchPostgres
  readonly isEmbedded: boolean
  readonly peers: readonly string[]
}

export function createSystems({ postgres, isEmbedded, peers }: SystemsOptions): Systems {
  const startOnlyLume = async () => startLume(isEmbedded ? null : await postgres.createDatabase())
  const startLoop = async () => {
    const loop = await startServedSystem({
      nodeArguments: ['--import', 'tsx', LOOP],
      ...served(await postgres.createDatabase()),
    })
    if (typeof loop === 'string') throw new Error(loop)
    return loop
  }
  return {
    isEmbedded,
    startLume: startOnlyLume,
    async startPair() {
      const loop = await startLoop()
      try {
        return { loop, lume: await startOnlyLume() }
      } catch (failure) {
        await loop.close()
        throw failure
      }
    },
    async startAll() {
      const started: System[] = [await startLoop()]
      try {
        for (const peer of peers) {
          const system = await startPeer(peer, await postgres.createDatabase())
          if (typeof system === 'string') console.log(`skipped ${system}`)
          else started.push(system)
        }
        return [...started, await startOnlyLume()]
      } catch (failure) {
        await closeAll(started)
        throw failure
      }
    },
  }
}

async function startPeer(name: string, database: Database): Promise<System | string> {
  if (!existsSync(`${PEERS_FOLDER}node_modules`))
    return `${name}: run \`npm ci\` in bench/peers to install the peers`
  return startServedSystem({ nodeArguments: [`${PEERS_FOLDER}${name}.js`], ...served(database) })
}

function served({ url, countStatements }: Database) {
  return { environment: { DATABASE_URL: url }, countStatements }
}

/** Warms all systems up alike: each runs the chain of ten steps, fifty executions at a time. */
export async function warmUp(systems: readonly System[], executions: number): Promise<void> {
  for (const system of systems) {
    await system.prepare(WARM_UP_SHAPE)
    await inFlight(executions, WARM_UP_WIDTH, () => system.run(WARM_UP_SHAPE))
  }
}

/** Stops the systems, the last one first. */
export async function closeAll(systems: readonly System[]): Promise<void> {
  for (const system of systems.toReversed()) await system.close()
}
