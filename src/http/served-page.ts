import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

/** How long a browser shows a page without asking whether it has changed, in seconds. */
const PAGE_FRESH_S = 60
/** Beyond it brotli takes many times as long for a few percent. */
const BROTLI_QUALITY = 6

const COMPRESSIONS = {
  br: (page: Buffer) =>
    promisify(brotliCompress)(page, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
  gzip: (page: Buffer) => promisify(gzip)(page),
  identity: async (page: Buffer) => page,
} as const
type Encoding = keyof typeof COMPRESSIONS

/** An answer whose bytes are shared by all requests for the page. */
export interface PageAnswer {
  readonly response: Response
  /** Null: the client has the page already. */
  readonly bytes: Buffer | null
}

/** A page that is the same for all clients: rendered and compressed once, when a client first asks for it. */
export interface ServedPage {
  answer(headers: IncomingHttpHeaders): Promise<PageAnswer>
}

export function createServedPage(render: () => Promise<string>): ServedPage {
  const page = once(async () => Buffer.from(await render()))
  const forms: Readonly<Record<Encoding, () => Promise<Form>>> = {
    br: once(() => formOf('br')),
    gzip: once(() => formOf('gzip')),
    identity: once(() => formOf('identity')),
  }
  const formOf = async (encoding: Encoding): Promise<Form> => {
    const bytes = await COMPRESSIONS[encoding](await page())
    const etag = `"${createHash('sha256').update(bytes).digest('base64url')}"`
    return { bytes, etag }
  }
  return {
    async answer(headers) {
      const encoding = encodingFor(headers['accept-encoding'])
      const { bytes, etag } = await forms[encoding]()
      const about = {
        etag,
        'cache-control': `private, max-age=${PAGE_FRESH_S}, must-revalidate`,
        vary: 'accept, accept-encoding',
      }
      if (isKnown(headers['if-none-match'], etag)) {
        return { response: new Response(null, { status: 304, headers: about }), bytes: null }
      }
      const response = new Response(null, {
        headers: {
          ...about,
          'content-type': 'text/html',
          'content-length': String(bytes.length),
          ...(encoding === 'identity' ? {} : { 'content-encoding': encoding }),
        },
      })
      return { response, bytes }
    },
  }
}

interface Form {
  readonly bytes: Buffer
  readonly etag: string
}

/** Calls once for all callers, and once more after a failure. */
function once<T>(call: () => Promise<T>): () => Promise<T> {
  let called: Promise<T> | null = null
  return () =>
    (called ??= call().catch((fault: unknown) => {
      called = null
      throw fault
    }))
}

/** The smallest form that the client takes (RFC 9110, 12.5.3). */
function encodingFor(accepted: string | string[] | undefined): Encoding {
  const weights = new Map<string, number>()
  for (const part of String(accepted ?? '').split(',')) {
    const [name = '', ...parameters] = part.trim().toLowerCase().split(';')
    const weight = parameters.map((one) => /^\s*q=([\d.]+)\s*$/.exec(one)?.[1]).find((q) => q !== undefined)
    weights.set(name.trim(), weight === undefined ? 1 : Number(weight))
  }
  const accepts = (name: string) => (weights.get(name) ?? weights.get('*') ?? 0) > 0
  if (accepts('br')) return 'br'
  return accepts('gzip') ? 'gzip' : 'identity'
}

function isKnown(given: string | undefined, etag: string): boolean {
  const tags = (given ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return tags.includes(etag) || tags.includes('*')
}
