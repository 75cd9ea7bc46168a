/**
 * The main job, watched from a terminal: sends the thousand leads through workflow.json and follows them until the end.
 * `npm run demo`; it uses the server at LUME_URL, the one at http://127.0.0.1:4000, or one that it starts itself; with
 * `npm run demo -- --own-server` in any case the latter.
 */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { findOrStartServer, NoServerError, type DemoServer } from './demo-server.ts'
import { createLumeClient, LumeClientError, type Ending } from './lume-client.ts'
import { createProgressView } from './progress-view.ts'

const DETACHED_EXIT_CODE = 130

process.exitCode = await main()

async function main(): Promise<number> {
  try {
    const server = await findOrStartServer(process.env['LUME_URL'], {
      own: process.argv.includes('--own-server'),
    })
    try {
      return await run(server)
    } finally {
      await server.stop()
    }
  } catch (failure) {
    if (!(failure instanceof NoServerError || failure instanceof LumeClientError)) throw failure
    console.error(failure.message)
    return 1
  }
}

async function run(server: DemoServer): Promise<number> {
  const view = createProgressView(process.stdout)
  const client = createLumeClient(server.url, view.note)
  const receiverUrl = `${server.url}/examples/receiver`
  const leads = readJson('leads.json') as unknown[]
  view.note(`${leads.length} leads to ${server.url}${server.startedHere ? ', started for this demo' : ''}.`)

  // A fresh key makes this a new run; sending it a second time would answer with the first one's job.
  const { jobId, executionId } = await client.execute({
    definition: readJson('workflow.json'),
    input: { leads, receiverUrl },
    idempotencyKey: randomUUID(),
  })
  view.note(`Job ${jobId}`)

  const detached = onInterrupt(() => client.close())
  for await (const event of client.follow(jobId)) view.show(event)
  view.end()
  if (detached()) {
    view.note(
      server.startedHere ? 'Stopped, with the server.' : `Detached; the server goes on with job ${jobId}.`,
    )
    return DETACHED_EXIT_CODE
  }
  await client.close()
  return report(await client.ending(executionId), await receiverSummary(receiverUrl))
}

/** Calls `act` at the first Ctrl-C; a second one ends the process as usual. Tells whether the first has come. */
function onInterrupt(act: () => Promise<void>): () => boolean {
  let interrupted = false
  process.once('SIGINT', () => {
    interrupted = true
    void act()
  })
  return () => interrupted
}

function report(ending: Ending, received: ReceiverSummary | undefined): number {
  console.log(`\n${ending.status}`)
  console.log(JSON.stringify(ending.status === 'COMPLETED' ? ending.output : ending.error, null, 2))
  if (received) {
    const { calls, batches, leads } = received
    console.log(`The receiver holds ${leads} leads in ${batches.length} batches, after ${calls} calls.`)
  } else {
    console.log('The server shows no example receiver: it is there only on a loopback address.')
  }
  return ending.status === 'COMPLETED' ? 0 : 1
}

interface ReceiverSummary {
  readonly calls: number
  readonly batches: readonly { readonly key: string; readonly calls: number; readonly leads: number }[]
  readonly leads: number
}

async function receiverSummary(url: string): Promise<ReceiverSummary | undefined> {
  const response = await fetch(url)
  return response.ok ? ((await response.json()) as ReceiverSummary) : undefined
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'))
}
