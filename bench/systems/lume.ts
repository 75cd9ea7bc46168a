import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { graphql } from '../../test/gql/index.ts'
import { createGraphqlClient, type GraphqlClient } from '../../test/support/graphql-client.ts'
import { startServerProcess } from '../../test/support/server-process.ts'
import { cpuMsOf, rssMbOf } from '../measure/process-usage.ts'
import { LumeClient } from './lume-client.ts'
import type { Database } from './postgres.ts'
import type { Shape, System } from './system.ts'

const BLOCKS = fileURLToPath(new URL('./noop-blocks.js', import.meta.url))
/** How long a process is left alone before its memory is read, in milliseconds. */
const SETTLE_MS = 1_500

const CREATE = graphql(`
  mutation BenchCreate($name: String!, $definition: JSON!) {
    createWorkflow(input: { name: $name, definition: $definition, publish: true }) {
      ... on CreateWorkflowPayload {
        workflow {
          id
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

/** Lume as a process of its own. */
export interface Lume extends System {
  /** Where GraphQL is. */
  readonly url: string
  /** `null`: it runs on the embedded database. */
  readonly database: Database | null
  readonly graphql: GraphqlClient
  /** Stores and publishes a workflow. Resolves to its global id. */
  createWorkflow(definition: object): Promise<string>
  /** Runs one execution to its end. */
  runWorkflow(workflowId: string, input?: unknown): Promise<void>
  rssMb(): Promise<number>
  /** Its resident memory after two full garbage collections, in MB. */
  settledRssMb(): Promise<number>
}

/**
 * Starts the built server (`npm run build`) on a free port, with the blocks of the workloads. Its settings are the defaults
 * but for `LUME_CONCURRENCY`, and for limits that protect a server from its users.
 */
export async function startLume(database: Database | null): Promise<Lume> {
  const dataDir = database ? null : await mkdtemp(join(tmpdir(), 'lume-bench-'))
  const server = await startServerProcess({
    ...(dataDir === null ? { DATABASE_URL: database?.url ?? '' } : { LUME_DATA_DIR: dataDir }),
    LUME_BLOCKS: BLOCKS,
    LUME_CONCURRENCY: process.env.BENCH_CONCURRENCY ?? '100',
    LUME_MAX_NODES: '10000',
    LUME_MAX_SUBSCRIPTIONS: '20000',
    LUME_RATE_LIMIT: '0',
    ...(process.env.BENCH_NODE_OPTIONS ? { NODE_OPTIONS: process.env.BENCH_NODE_OPTIONS } : {}),
  })
  const { pid, url } = server
  const graphqlClient = createGraphqlClient(url)
  const client = new LumeClient(url)
  const workflows = new Map<string, string>()
  const createWorkflow = async (definition: object) => {
    const { createWorkflow } = await graphqlClient.ask(CREATE, { name: 'bench', definition })
    if ('workflow' in createWorkflow) return createWorkflow.workflow.id
    throw new Error(`the workflow is refused: ${JSON.stringify(createWorkflow)}`)
  }
  const rssMb = () => rssMbOf(pid)
  return {
    name: 'lume',
    url,
    database,
    graphql: graphqlClient,
    createWorkflow,
    runWorkflow: (workflowId, input) => client.run(workflowId, input),
    async prepare(shape) {
      if (!workflows.has(keyOf(shape)))
        workflows.set(keyOf(shape), await createWorkflow(definitionOf(shape, 'bench.noop')))
    },
    run(shape) {
      const id = workflows.get(keyOf(shape))
      if (id === undefined) throw new Error(`the shape ${keyOf(shape)} is not prepared`)
      return client.run(id)
    },
    async usage() {
      const [cpuMs, rss, statements] = await Promise.all([
        cpuMsOf(pid),
        rssMb(),
        database?.countStatements() ?? null,
      ])
      return { cpuMs, rssMb: rss, statements }
    },
    rssMb,
    async settledRssMb() {
      for (let collection = 0; collection < 2; collection++) {
        process.kill(pid, 'SIGUSR2')
        await sleep(SETTLE_MS)
      }
      return rssMb()
    },
    async close() {
      client.close()
      await server.stop()
      if (dataDir !== null) await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** A definition whose stages follow each other: every step of a stage leads to every step of the next. */
export function definitionOf(shape: Shape, type: string, config: object = {}): object {
  const stages = shape.map((width, stage) =>
    Array.from({ length: width }, (_, index) => `s${stage}_${index}`),
  )
  return {
    nodes: stages.flat().map((id) => ({ id, type, config })),
    edges: stages
      .slice(1)
      .flatMap((targets, before) =>
        (stages[before] ?? []).flatMap((source) => targets.map((target) => ({ source, target }))),
      ),
    limits: { concurrency: Math.min(100, Math.max(10, ...shape)) },
  }
}

function keyOf(shape: Shape): string {
  return shape.length > 20 ? `${shape.length} stages` : shape.join(',')
}
