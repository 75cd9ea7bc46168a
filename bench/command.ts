import { parseArgs } from 'node:util'

/** What the command line asks for. */
export interface Command {
  /** Names of workloads, in the order in which they run. */
  readonly workloads: readonly string[]
  /** Whether Lume runs on the embedded database instead of a Postgres server. */
  readonly isEmbedded: boolean
  /** Names of the peers that run beside Lume. */
  readonly peers: readonly string[]
}

interface Known {
  readonly workloads: readonly string[]
  readonly peers: readonly string[]
}

/** Reads `W1 W3 --embedded --peers=dbos,restate`; `--peers=all` are all of them. Throws an error that lists what is known. */
export function readCommand(args: readonly string[], known: Known): Command {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { embedded: { type: 'boolean', default: false }, peers: { type: 'string', default: '' } },
  })
  const wanted = values.peers.split(',').filter(Boolean)
  const peers = wanted.includes('all') ? known.peers : wanted
  requireKnown('workload', positionals, known.workloads)
  requireKnown('peer', peers, [...known.peers, 'all'])
  if (positionals.length === 0) {
    throw new Error(`Name at least one workload: ${known.workloads.join(', ')}. Example: npm run bench -- W1`)
  }
  return { workloads: positionals, isEmbedded: values.embedded, peers }
}

function requireKnown(what: string, names: readonly string[], known: readonly string[]): void {
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined)
    throw new Error(`There is no ${what} "${unknown}". Known are: ${known.join(', ')}.`)
}
