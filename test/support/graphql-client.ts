import type { TypedDocumentString } from '../gql/graphql.ts'

/** An answer as it came. */
export interface GraphqlAnswer<Data> {
  readonly status: number
  readonly headers: Headers
  readonly data: Data | null
  readonly errors: readonly GraphqlProblem[]
}

export interface GraphqlProblem {
  readonly message: string
  readonly path?: readonly (string | number)[]
  readonly extensions?: {
    readonly code?: string
    readonly reference?: string
    readonly requiredRole?: string
    readonly stack?: unknown
  }
}

export interface GraphqlClient {
  /** Sends an operation and gives the answer, whatever it is. */
  send<Data, Variables>(
    document: TypedDocumentString<Data, Variables>,
    variables: Variables,
  ): Promise<GraphqlAnswer<Data>>
  /** The data of an operation that must succeed. */
  ask<Data, Variables>(document: TypedDocumentString<Data, Variables>, variables: Variables): Promise<Data>
  /** Sends any body, the way that a careless or hostile client does. */
  post(body: BodyInit, headers?: Readonly<Record<string, string>>): Promise<GraphqlAnswer<unknown>>
}

const HEADERS = {
  'content-type': 'application/json',
  accept: 'application/graphql-response+json, application/json',
}

/** `always` are headers of every request, such as a credential. */
export function createGraphqlClient(
  url: string,
  always: Readonly<Record<string, string>> = {},
): GraphqlClient {
  const post = async <Data>(
    body: BodyInit,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<GraphqlAnswer<Data>> => {
    const init = { method: 'POST', headers: { ...HEADERS, ...always, ...headers }, body, duplex: 'half' }
    const response = await fetch(url, init)
    const { data = null, errors = [] } = (await response.json()) as Partial<GraphqlAnswer<Data>>
    return { status: response.status, headers: response.headers, data, errors }
  }
  const send = <Data, Variables>(document: TypedDocumentString<Data, Variables>, variables: Variables) =>
    post<Data>(JSON.stringify({ query: document.toString(), variables }))
  return {
    post,
    send,
    async ask(document, variables) {
      const { data, errors } = await send(document, variables)
      if (data === null || errors.length > 0) throw new Error(`the server answers ${JSON.stringify(errors)}`)
      return data
    },
  }
}
