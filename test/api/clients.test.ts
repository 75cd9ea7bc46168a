import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { ApolloClient, ApolloLink, gql as apolloGql, HttpLink, InMemoryCache } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { Client, fetchExchange, gql as urqlGql, subscriptionExchange } from '@urql/core'
import { OperationTypeNode } from 'graphql'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { AUTHENTICATION, bearer, settingsKey } from '../support/access.ts'
import type { ExecuteMutation, JobEventsSubscription } from '../gql/graphql.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { SIMPLE } from '../support/definitions.ts'
import { EXECUTE, JOB_EVENTS } from '../support/runs.ts'

// What a front end does first: start a run by a mutation and watch it by a subscription, with its own library.

const CREDENTIAL = bearer(settingsKey('acme', 'EDITOR'))

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer({ authentication: AUTHENTICATION })
})
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

function openSocket() {
  return createClient({
    url: server.url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: CREDENTIAL,
    retryAttempts: 0,
  })
}

function jobIdOf(data: ExecuteMutation | null | undefined): string {
  if (data?.executeWorkflow.__typename !== 'ExecuteWorkflowPayload') throw new Error(JSON.stringify(data))
  return data.executeWorkflow.job.id
}

/** The kinds of all events, once the subscription has completed. */
function kindsOf(batches: readonly JobEventsSubscription[]): readonly string[] {
  return batches.flatMap(({ jobEvents: { events } }) => events.map(({ kind }) => kind))
}

const WHOLE_RUN = ['JOB_QUEUED', 'JOB_STARTED', 'STEP_COMPLETED', 'JOB_COMPLETED']

test('urql starts a run and watches it to its end', async () => {
  const socket = openSocket()
  const client = new Client({
    url: server.url,
    preferGetMethod: false,
    fetchOptions: { headers: CREDENTIAL },
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
        }),
      }),
    ],
  })
  const { data, error } = await client
    .mutation<ExecuteMutation>(urqlGql(EXECUTE.toString()), { input: { definition: SIMPLE } })
    .toPromise()
  expect(error).toBeUndefined()

  const batches: JobEventsSubscription[] = []
  await new Promise<void>((resolve, reject) => {
    const jobId = jobIdOf(data)
    client
      .subscription<JobEventsSubscription>(urqlGql(JOB_EVENTS.toString()), { jobId })
      .subscribe((result) => {
        if (result.error) return reject(result.error)
        if (result.data) batches.push(result.data)
        if (kindsOf(batches).includes('JOB_COMPLETED')) resolve()
      })
  })
  expect(kindsOf(batches)).toEqual(WHOLE_RUN)
  await socket.dispose()
})

test('Apollo Client starts a run and watches it to its end', async () => {
  const socket = openSocket()
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      new HttpLink({ uri: server.url, headers: CREDENTIAL }),
    ),
  })
  const { data, error } = await client.mutate<ExecuteMutation>({
    mutation: apolloGql(EXECUTE.toString()),
    variables: { input: { definition: SIMPLE } },
  })
  expect(error).toBeUndefined()

  const batches: JobEventsSubscription[] = []
  await new Promise<void>((resolve, reject) => {
    client
      .subscribe<JobEventsSubscription>({
        query: apolloGql(JOB_EVENTS.toString()),
        variables: { jobId: jobIdOf(data) },
        fetchPolicy: 'no-cache',
      })
      .subscribe({
        next: (result) => {
          if (result.data) batches.push(result.data)
          if (result.error) reject(result.error)
        },
        error: reject,
        complete: resolve,
      })
  })
  expect(kindsOf(batches)).toEqual(WHOLE_RUN)
  expect(batches.at(-1)?.jobEvents.job.status).toBe('COMPLETED')
  client.stop()
  await socket.dispose()
})

test('both tell a front end that its credential is not good', async () => {
  const urql = new Client({ url: server.url, preferGetMethod: false, exchanges: [fetchExchange] })
  const { error } = await urql.query(urqlGql('{ viewer { ownerId } }'), {}).toPromise()
  expect(error?.response).toMatchObject({ status: 401 })
  expect(error?.graphQLErrors.map(({ extensions }) => extensions)).toEqual([{ code: 'UNAUTHENTICATED' }])

  const apollo = new ApolloClient({ cache: new InMemoryCache(), link: new HttpLink({ uri: server.url }) })
  await expect(apollo.query({ query: apolloGql('{ viewer { ownerId } }') })).rejects.toMatchObject({
    errors: [expect.objectContaining({ extensions: { code: 'UNAUTHENTICATED' } })],
  })
  apollo.stop()
})
