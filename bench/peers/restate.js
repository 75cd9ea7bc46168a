// Restate: its server keeps the journal in files of its own (not in Postgres) and calls a service in this process. The client
// calls the server's ingress, which answers when the execution has ended.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { arch, platform, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RestatePromise, serve as serveServices, service } from '@restatedev/restate-sdk'
import { noop, ready, skip } from './serve.js'

const START_MS = 60_000

// The SDK calls it; Node has it from version 22 on.
Promise.withResolvers ??= () => {
  const resolvers = {}
  resolvers.promise = new Promise((resolve, reject) => Object.assign(resolvers, { resolve, reject }))
  return resolvers
}

const bench = service({
  name: 'bench',
  handlers: {
    async run(context, { shape }) {
      for (const width of shape) {
        if (width === 1) await context.run('noop', noop)
        else await RestatePromise.all(Array.from({ length: width }, () => context.run('noop', noop)))
      }
      return {}
    },
  },
})

const binary = findBinary()
if (binary === null) skip('its server has no binary for this machine')
else {
  const [ingress, admin, fabric, endpoint] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ])
  await serveServices({ services: [bench], port: endpoint })
  const folder = await mkdtemp(join(tmpdir(), 'lume-restate-'))
  const server = spawn(binary, ['--base-dir', folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env.PATH,
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
      RESTATE_BIND_ADDRESS: `127.0.0.1:${fabric}`,
      RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${fabric}`,
      RESTATE_LOG_FILTER: 'error,octocrab=off',
      RESTATE_DISABLE_TELEMETRY: 'true',
      DO_NOT_TRACK: '1',
    },
  })
  process.once('exit', () => server.kill('SIGKILL'))
  await register(`http://127.0.0.1:${admin}/deployments`, `http://127.0.0.1:${endpoint}`)
  ready(`http://127.0.0.1:${ingress}/bench/run`, {
    pids: [server.pid],
    async close() {
      const exited = once(server, 'exit')
      server.kill()
      await exited
      await rm(folder, { recursive: true, force: true })
    },
  })
}

function findBinary() {
  try {
    const { resolve } = createRequire(
      createRequire(import.meta.url).resolve('@restatedev/restate-server/package.json'),
    )
    return resolve(`@restatedev/restate-server-${platform()}-${arch()}/bin/restate-server`)
  } catch {
    return null
  }
}

/** Registers the service once the server answers. */
async function register(url, uri) {
  const until = performance.now() + START_MS
  for (;;) {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ uri }),
    }).catch((failure) => failure)
    if (answer.ok) return
    if (performance.now() > until)
      throw new Error(`the service could not be registered: ${await describe(answer)}`)
    await sleep(200)
  }
}

async function describe(answer) {
  return answer instanceof Error ? answer.message : answer.text()
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}
