import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Viewer } from '../access/index.ts'
import { EXAMPLE_RECEIVER_PATH, type ExampleReceiver } from '../example-receiver/index.ts'
import { credentialOfHeaders, type Gate, type Origins } from './auth/index.ts'
import { GRAPHQL_PATH, type Caller, type Graphql } from './graphql/index.ts'
import { RefusedRequestError, type Body, type ReadBody } from './intake/index.ts'
import { senderAt, TOO_MANY_CONNECTIONS, type Connections } from './limits/index.ts'
import type { Metrics } from './metrics.ts'
import { requestUrl, toWebRequest } from './node-request.ts'
import { refuse } from './node-response.ts'
import type { ReadinessProblem } from './readiness.ts'
import type { ServedPage } from './served-page.ts'

const METRICS_PATH = '/metrics'
const GRAPHQL_MEDIA_TYPE = 'application/graphql-response+json'

export interface RouterOptions {
  readonly connections: Pick<Connections, 'isRefused'>
  /** Whether the server takes no further connections, because the process stops. */
  readonly isStopping: () => boolean
  /** Why this process cannot do its work now. */
  readonly readiness: () => Promise<readonly ReadinessProblem[]>
  /** GraphiQL, which needs no credential; null: it is not served. */
  readonly page: ServedPage | null
  readonly graphql: Graphql
  readonly gate: Gate
  readonly origins: Origins
  readonly metrics: Metrics
  /** Whether anybody may read the metrics; else operators alone. */
  readonly hasOpenMetrics: boolean
  readonly receiver: ExampleReceiver | null
  readonly readBody: ReadBody
}

export interface Answer {
  readonly response: Response
  /** Who asked; null where nobody is asked for that. */
  readonly viewer: Viewer | null
  /** The body that was read, to be released once the answer is sent. */
  readonly body: Body | null
  /** The bytes of a page, which all requests for it share; they take the place of the response's own. */
  readonly bytes: Buffer | null
}

/** Answers one HTTP request. */
export type Router = (req: IncomingMessage, res: ServerResponse) => Promise<Answer>

/** Of an answer to a client that was not asked who it is. */
const NO_CALLER = { viewer: null, body: null, bytes: null } as const

export function createRouter(options: RouterOptions): Router {
  const { origins, gate, graphql, receiver } = options

  const answer: Router = async (req, res) => {
    if (options.connections.isRefused(req.socket)) throw new RefusedRequestError(TOO_MANY_CONNECTIONS)
    const distrust = origins.distrust(req)
    if (distrust) throw new RefusedRequestError({ status: 403, code: 'ORIGIN_REFUSED', message: distrust })
    if (origins.isPreflight(req)) return { response: new Response(null, { status: 204 }), ...NO_CALLER }
    const url = requestUrl(req)
    if (!url) {
      const message = 'The request names no path.'
      throw new RefusedRequestError({ status: 400, code: 'BAD_REQUEST', message })
    }
    const sender = senderAt(req.socket.remoteAddress)
    if (options.page && url.pathname === GRAPHQL_PATH && isForPage(req)) {
      await gate.countPage(sender)
      return { ...NO_CALLER, ...(await options.page.answer(req.headers)) }
    }
    // Before a body is read: nobody is listened to for long who is not let in.
    const viewer = await admit(req, url, sender)
    const takesBody = bodyIsTaken(req, url)
    if (takesBody && url.pathname === GRAPHQL_PATH && !isJson(req)) {
      // Other content types are what a foreign page can send without asking; JSON is not.
      const message = 'Send GraphQL requests with `content-type: application/json`.'
      throw new RefusedRequestError({ status: 415, code: 'CONTENT_TYPE_REFUSED', message })
    }
    if (takesBody) requirePlainBody(req)
    const body = takesBody ? await options.readBody(req, uploaderOf(viewer) ?? sender) : null
    try {
      // What GraphQL reads is parsed when it is its turn, and not before.
      const bytes = url.pathname === GRAPHQL_PATH ? null : (body?.take() ?? null)
      const request = toWebRequest({ req, res, url, body: bytes }, graphql.Request)
      return { response: await route(request, { viewer, body }, options), viewer, body, bytes: null }
    } catch (fault) {
      body?.release()
      throw fault
    }
  }
  /** Elsewhere nobody reads a body: the answer does not wait for one, and the connection ends if one is on its way. */
  const bodyIsTaken = ({ method }: IncomingMessage, { pathname }: URL) =>
    method === 'POST' &&
    (pathname === GRAPHQL_PATH || (receiver !== null && isUnder(pathname, EXAMPLE_RECEIVER_PATH)))
  const admit = async (req: IncomingMessage, { pathname }: URL, sender: string): Promise<Viewer | null> => {
    const credential = credentialOfHeaders(req.headers)
    if (pathname === METRICS_PATH && !options.hasOpenMetrics) {
      const viewer = await gate.admit(credential, sender)
      await gate.count(viewer, sender)
      if (!isOperator(viewer)) {
        const message = 'The metrics are for operators: an ADMIN key of LUME_API_KEYS reads them.'
        throw new RefusedRequestError({ status: 403, code: 'FORBIDDEN', message })
      }
      return viewer
    }
    if (pathname !== GRAPHQL_PATH) return null
    const viewer = await gate.admit(credential, sender)
    await gate.count(viewer, sender)
    return viewer
  }
  return async (req, res) => {
    const answered = await answer(req, res).catch((fault: unknown) => ({
      response: refusalOf(fault, req),
      ...NO_CALLER,
    }))
    for (const [name, value] of Object.entries(origins.headersFor(req))) {
      answered.response.headers.append(name, value)
    }
    return answered
  }
}

async function route(request: Request, caller: Caller, options: RouterOptions): Promise<Response> {
  const { readiness, graphql, metrics, receiver } = options
  const { pathname } = new URL(request.url)
  if (receiver && isUnder(pathname, EXAMPLE_RECEIVER_PATH)) return receiver.handle(request)
  switch (pathname) {
    case GRAPHQL_PATH:
      return graphql.fetch(request, caller)
    case METRICS_PATH:
      return metrics.render()
    case '/':
      return new Response(null, { status: 302, headers: { location: GRAPHQL_PATH } })
    case '/health':
      return Response.json({ status: 'ok' })
    case '/ready':
      return readinessResponse(options.isStopping() ? [STOPPING] : await readiness())
    default:
      return refuse(404, 'NOT_FOUND', `There is nothing at ${pathname}; the API is at ${GRAPHQL_PATH}.`)
  }
}

const STOPPING: ReadinessProblem = { code: 'STOPPING', message: 'The process stops.' }

function readinessResponse(problems: readonly ReadinessProblem[]): Response {
  if (problems.length === 0) return Response.json({ status: 'ready' })
  return Response.json({ status: 'not ready', problems }, { status: 503 })
}

function refusalOf(fault: unknown, req: IncomingMessage): Response {
  if (!(fault instanceof RefusedRequestError)) throw fault
  const { status, code, message, headers } = fault
  // A client that knows this type reads the errors of an answer whatever its status.
  const isKnown = req.headers.accept?.includes(GRAPHQL_MEDIA_TYPE) ?? false
  return refuse(status, code, message, {
    ...headers,
    ...(isKnown ? { 'content-type': `${GRAPHQL_MEDIA_TYPE}; charset=utf-8` } : {}),
  })
}

/** The metrics tell of all owners: a key that an owner made, or a token, is one of a tenant. */
function isOperator({ authentication, role }: Viewer): boolean {
  return authentication === 'LOCAL' || (authentication === 'SETTINGS' && role === 'ADMIN')
}

/** Whose bytes in flight are bounded together: an owner's, by whatever credential they come. */
export function uploaderOf(viewer: Viewer | null): string | null {
  return viewer === null || viewer.authentication === 'LOCAL' ? null : `owner ${viewer.ownerId}`
}

/** Such a request is answered with the page of GraphiQL where it is served, and nothing is executed. */
function isForPage({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && (headers.accept?.includes('text/html') ?? false)
}

function isJson(req: IncomingMessage): boolean {
  return /^application\/(json|graphql\+json)\s*(;|$)/i.test(req.headers['content-type'] ?? '')
}

/** A compressed body could grow a thousandfold while it is unpacked. */
function requirePlainBody({ headers }: IncomingMessage): void {
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding.trim().toLowerCase() === 'identity') return
  throw new RefusedRequestError({
    status: 415,
    code: 'CONTENT_ENCODING_REFUSED',
    message: 'Send the request body as it is: compressed bodies (`content-encoding`) are not accepted.',
    headers: { 'accept-encoding': 'identity' },
  })
}

function isUnder(pathname: string, base: string): boolean {
  return pathname === base || pathname.startsWith(`${base}/`)
}
