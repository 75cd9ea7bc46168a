import { createClient, type Client } from 'graphql-ws'
import { WebSocket } from 'ws'
import { graphql } from '../../test/gql/index.ts'
import type { BenchWatchSubscription } from '../../test/gql/graphql.ts'
import { inFlight } from '../measure/in-flight.ts'

/** How many connections are opened at the same time. */
const OPENING_WIDTH = 50

const WATCH = graphql(`
  subscription BenchWatch($jobId: ID!) {
    jobEvents(jobId: $jobId) {
      events {
        at
        kind
      }
      cursor
      job {
        status
        progress
      }
    }
  }
`).toString()

export type Batch = BenchWatchSubscription['jobEvents']

/** Subscribers of jobs, each with a WebSocket of its own. */
export interface Followers {
  /** Resolves when every subscription has ended; rejects when one has failed. */
  readonly ended: Promise<void>
  close(): Promise<void>
}

/** Opens `count` subscribers and distributes them over the jobs. Resolves when each has received its first batch. */
export async function openFollowers(
  url: string,
  jobIds: readonly string[],
  count: number,
  onBatch: (batch: Batch) => void,
): Promise<Followers> {
  const clients: Client[] = []
  const ends: Promise<void>[] = []
  await inFlight(count, OPENING_WIDTH, async (index) => {
    const client = createClient({
      url: url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      retryAttempts: 0,
    })
    clients.push(client)
    await new Promise<void>((resolve, reject) => {
      const ended = new Promise<void>((end, fail) => {
        const variables = { jobId: jobIds[index % jobIds.length] }
        client.subscribe<BenchWatchSubscription>(
          { query: WATCH, variables },
          {
            next({ data, errors }) {
              if (!data) return fail(new Error(JSON.stringify(errors)))
              resolve()
              onBatch(data.jobEvents)
            },
            error: (failure) => fail(failure instanceof Error ? failure : new Error(JSON.stringify(failure))),
            complete: end,
          },
        )
      })
      ends.push(ended)
      ended.catch(reject)
    })
  })
  return {
    ended: Promise.all(ends).then(() => undefined),
    close: async () => void (await Promise.all(clients.map(async (client) => client.dispose()))),
  }
}
