import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { createLumeClient } from '../../examples/leads/lume-client.ts'
import type { TimelineEvent } from '../../examples/leads/progress-view.ts'
import { Closers } from '../../src/lib/async/closers.ts'
import { freePort } from '../support/free-port.ts'
import { startReceiver } from '../support/receiver-server.ts'
import { startServerProcess } from '../support/server-process.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

let closers: Closers
/** One folder for all servers of this file, one after the other: making it takes longer than the rest. */
let dataDir: string

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'lume-demo-test-'))
})
afterAll(() => rm(dataDir, { recursive: true, force: true }))
beforeEach(() => {
  closers = new Closers()
})
afterEach(() => closers.close())

test('`npm run demo` starts a server of its own where there is none, sends the leads and shows what came of it', async () => {
  const { code, output, complaints } = await demo(['--own-server'])
  expect({ code, complaints }).toEqual({ code: 0, complaints: '' })
  expect(output).toMatch(/^1000 leads to http:\/\/127\.0\.0\.1:\d+, started for this demo\.$/m)
  expect(output).toMatch(/^100 % {2}job completed, 11 batches done$/m)
  expect(output).toMatch(/^COMPLETED$/m)
  expect(resultIn(output)).toMatchObject({ leads: 1_000, batches: 11, failedBatches: [] })
  expect(output).toMatch(/^The receiver holds \d+ leads in 11 batches, after 11 calls\.$/m)
}, 60_000)

test('`npm run demo` uses the server of LUME_URL and leaves it running', async () => {
  const server = await startServerProcess({ LUME_DATA_DIR: dataDir })
  closers.add(() => server.kill())
  const { origin } = new URL(server.url)
  for (let run = 0; run < 2; run++) {
    const { code, output } = await demo([], { LUME_URL: origin })
    expect(code).toBe(0)
    expect(output).toContain(`1000 leads to ${origin}.`)
    expect(resultIn(output)).toMatchObject({ leads: 1_000, batches: 11, failedBatches: [] })
  }
  expect((await fetch(`${origin}/ready`)).status).toBe(200)
}, 60_000)

test('`npm run demo` says so when nothing answers at LUME_URL', async () => {
  const LUME_URL = `http://127.0.0.1:${await freePort()}`
  expect(await demo([], { LUME_URL })).toEqual({
    code: 1,
    output: '',
    complaints: `Nothing answers at ${LUME_URL} (LUME_URL). Start a server there: npm start\n`,
  })
})

test('the example’s client goes on by itself when the server is killed and comes back', async () => {
  const receiver = await startReceiver()
  closers.add(() => receiver.close())
  const port = await freePort()
  const start = () =>
    startServerProcess({
      PORT: String(port),
      LUME_DATA_DIR: dataDir,
      LUME_ALLOW_PRIVATE_HOSTS: receiver.host,
    })
  let server = await start()
  closers.add(() => server.kill())

  const notes: string[] = []
  const client = createLumeClient(`http://127.0.0.1:${port}`, (note) => notes.push(note))
  closers.add(() => client.close())
  const definition = await readExample('workflow.json')
  const { jobId, executionId } = await client.execute({
    // Slow enough that the first batch to end is not the last to be sent.
    definition: { ...definition, variables: { ...(definition.variables as object), receiverDelayMs: 200 } },
    input: { leads: await readExample('leads.json'), receiverUrl: receiver.url },
    idempotencyKey: 'once',
  })
  const seen: TimelineEvent[] = []
  let isKilled = false
  for await (const event of client.follow(jobId)) {
    seen.push(event)
    if (isKilled || event.kind !== 'LOOP_ITEM_COMPLETED') continue
    isKilled = true
    await receiver.loseNextAnswer()
    await server.kill()
    server = await start()
  }
  expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_event, index) => index + 1))
  expect(seen.filter(({ kind }) => kind === 'JOB_RECOVERED')).toHaveLength(1)
  expect(seen.at(-1)?.kind).toBe('JOB_COMPLETED')
  expect(notes).toEqual([
    expect.stringMatching(/^Connection lost after event \d+; trying again\.$/),
    expect.stringMatching(/^Connected again; going on after event \d+\.$/),
  ])
  expect(await client.ending(executionId)).toMatchObject({
    status: 'COMPLETED',
    output: { failedBatches: [] },
  })

  // The call whose answer was lost was made again, under its key and with the same body.
  const { calls, batches } = await receiver.summary()
  expect(batches).toHaveLength(11)
  expect(calls).toBeGreaterThan(11)
}, 60_000)

interface DemoEnd {
  readonly code: number | null
  readonly output: string
  readonly complaints: string
}

async function demo(flags: readonly string[], environment: Record<string, string> = {}): Promise<DemoEnd> {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn('npm', ['run', '--silent', 'demo', '--', ...flags], {
    cwd: ROOT,
    env: { PATH, HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [output, complaints, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { code, output, complaints: complaints.replaceAll(/^npm warn .*\n/gm, '') }
}

/** The result, printed as JSON between the status and the receiver's summary. */
function resultIn(output: string): unknown {
  return JSON.parse(/^COMPLETED\n(\{.*?^\})/ms.exec(output)?.[1] ?? 'null')
}

async function readExample(name: string): Promise<Record<string, unknown>> {
  const path = new URL(`../../examples/leads/${name}`, import.meta.url)
  return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
}
