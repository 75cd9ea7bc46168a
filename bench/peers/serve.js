// What every peer shares: an HTTP server that runs one execution per request, as the loop's does, and the step that does
// nothing. A peer stops when its standard input ends.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

const OUTPUT = 'x'.repeat(198)

/** The step of all workloads: it returns 200 bytes of JSON. */
export async function noop() {
  return OUTPUT
}

/**
 * Answers `POST { "shape": [1, 100, 1] }` when `run(shape)` has resolved, and prints where. `close` runs before the process
 * ends; `pids` are further processes whose usage counts.
 */
export async function serve(run, { close = async () => {}, pids = [] } = {}) {
  const server = createServer((request, response) => {
    answer(request, run).then(
      () => response.end('{}'),
      (failure) => response.writeHead(500).end(String(failure?.stack ?? failure)),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  ready(`http://127.0.0.1:${server.address().port}`, { close, pids })
}

/** Prints the line by which a client finds the program, and ends the process when its standard input ends. */
export function ready(url, { close = async () => {}, pids = [] } = {}) {
  process.stdin.resume().once('end', () => {
    close().then(
      () => process.exit(0),
      (failure) => {
        console.error(failure)
        process.exit(1)
      },
    )
  })
  console.log(`ready ${url}${pids.length > 0 ? ` ${pids.join(',')}` : ''}`)
}

/** Reports why the peer cannot run on this machine. */
export function skip(reason) {
  process.stdin.resume().once('end', () => process.exit(0))
  console.log(`skipped ${reason}`)
}

async function answer(request, run) {
  const { shape } = JSON.parse(await text(request))
  await run(shape)
}
