import type { ServerResponse } from 'node:http'
import { isJsonObject, type Json, type JsonObject } from '../../../src/lib/json/json.ts'
import type { Gate } from '../manual-clock.ts'
import { startProviderServer, type Answer, type ProviderServer, type SeenCall } from './provider-server.ts'

const CHAT_PATH = '/api/v1/chat/completions'
/** Keeps the connection alive and means nothing. */
const COMMENT = ': OPENROUTER PROCESSING\n\n'
const PRICE_PER_TOKEN = 0.000001

/** What the model says next. */
export interface Speech {
  /** What it says; a function gets the request. */
  readonly text: string | ((request: JsonObject) => string)
  /** Default `stop`. */
  readonly finishReason?: string
  /** How the answer ends: as it should, without `[DONE]`, with an error in the middle, or cut off. */
  readonly end?: 'done' | 'no done' | 'error' | 'cut'
  /** Says no more after the first piece. */
  readonly isHanging?: boolean
  /** What it thinks over before it says anything: a comment goes out as each gate opens. */
  readonly thoughts?: readonly Gate[]
}

export interface OpenRouterServer extends ProviderServer {
  readonly baseUrl: string
  /** The requests that reached the model. */
  readonly requests: readonly JsonObject[]
  /** What the model says, once for each request; after that it says what `otherwise` says. */
  say(...speeches: readonly (string | Speech)[]): void
  /** What the model says whenever nothing else is to be said. */
  otherwise(text: Speech['text']): void
  /** Whatever holds that word is refused by moderation. */
  flag(word: string): void
}

/** OpenRouter's stand-in: chat completions, streamed or whole, with usage and cost. */
export async function startOpenRouterServer(key = 'sk-or-v1-test'): Promise<OpenRouterServer> {
  const speeches: Speech[] = []
  const requests: JsonObject[] = []
  const flagged: string[] = []
  let fallback: Speech['text'] = 'Hello.'
  const server = await startProviderServer((call) => {
    const refused = refusal(call, key)
    if (refused) return refused
    const request = call.json as JsonObject
    const word = flagged.find((one) => call.body.includes(one))
    if (word !== undefined) return { status: 403, body: moderation(word) }
    requests.push(request)
    const speech = speeches.shift() ?? { text: fallback }
    const text = typeof speech.text === 'string' ? speech.text : speech.text(request)
    const completion = {
      id: `gen-${requests.length}`,
      model: modelOf(request),
      request,
      text,
      speech,
    }
    return request['stream'] === true ? streamed(completion) : whole(completion)
  })
  return {
    ...server,
    baseUrl: `${server.origin}/api/v1`,
    requests,
    say: (...added) =>
      void speeches.push(...added.map((speech) => (typeof speech === 'string' ? { text: speech } : speech))),
    otherwise: (text) => void (fallback = text),
    flag: (word) => void flagged.push(word),
  }
}

/** An error as OpenRouter words it; its status is that of the answer unless a model had started. */
export function openRouterError(code: number, message: string, metadata: JsonObject = {}): JsonObject {
  return { error: { code, message, metadata } }
}

function modelOf({ model }: JsonObject): string {
  return typeof model === 'string' ? model : 'openrouter/auto'
}

function moderation(word: string): JsonObject {
  const metadata = { reasons: ['violence'], flagged_input: word, provider_name: 'OpenAI' }
  return openRouterError(403, 'Your input was flagged.', metadata)
}

/** The answer of a model about a list of items: `answer` for each. */
export function answersPerItem(answer: (item: Json, index: number) => Json) {
  return (request: JsonObject): string => {
    const results = askedItems(request).map(({ index, item }) => ({
      index,
      ...(answer(item, index) as JsonObject),
    }))
    return JSON.stringify({ results })
  }
}

/** The items that a request asks about. */
export function askedItems(request: JsonObject): readonly { readonly index: number; readonly item: Json }[] {
  const [, user] = request['messages'] as readonly JsonObject[]
  const { items } = JSON.parse(user?.['content'] as string) as { items: { index: number; item: Json }[] }
  return items
}

function refusal({ path, headers, method, json }: SeenCall, key: string): Answer | null {
  const fail = (code: number, message: string) => ({ status: code, body: openRouterError(code, message) })
  if (path !== CHAT_PATH || method !== 'POST') return fail(404, 'Not Found')
  if (!headers.authorization) return fail(401, 'Missing Authentication header')
  if (headers.authorization !== `Bearer ${key}`) return fail(401, 'User not found.')
  if (!isJsonObject(json) || !Array.isArray(json['messages']) || json['messages'].length === 0) {
    return fail(400, 'Input required: specify "messages"')
  }
  return null
}

interface Saying {
  readonly id: string
  readonly model: string
  readonly request: JsonObject
  readonly text: string
  readonly speech: Speech
}

function whole({ id, model, request, text, speech }: Saying): Answer {
  const message = { role: 'assistant', content: text, refusal: null, reasoning: null }
  const choice = { index: 0, finish_reason: speech.finishReason ?? 'stop', message }
  const facts = { id, object: 'chat.completion', created: 1_764_000_000, model, provider: 'OpenAI' }
  return { body: { ...facts, choices: [choice], usage: usage(request, text) } }
}

function streamed(saying: Saying): Answer {
  return {
    headers: { 'content-type': 'text/event-stream', 'x-generation-id': saying.id },
    write: (response) => void think(saying, response).then(() => speak(saying, response)),
  }
}

async function think({ speech }: Saying, response: ServerResponse): Promise<void> {
  response.write(COMMENT)
  for (const gate of speech.thoughts ?? []) {
    await gate.pass()
    response.write(COMMENT)
  }
}

function speak({ id, model, request, text, speech }: Saying, response: ServerResponse): void {
  const send = (data: JsonObject | string) =>
    response.write(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`)
  const facts = { id, object: 'chat.completion.chunk', created: 1_764_000_000, model, provider: 'OpenAI' }
  const delta = (content: string, finish: string | null): JsonObject => ({
    ...facts,
    choices: [{ index: 0, delta: { role: 'assistant', content }, finish_reason: finish }],
  })
  const half = Math.ceil(text.length / 2)
  send(delta(text.slice(0, half), null))
  response.write(COMMENT)
  if (speech.isHanging) return
  if (speech.end === 'cut') {
    response.write('', () => response.destroy())
    return
  }
  if (speech.end === 'error') {
    send({
      ...facts,
      error: {
        code: 502,
        message: 'Provider disconnected',
        metadata: { error_type: 'provider_unavailable' },
      },
      choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }],
    })
    response.end()
    return
  }
  send(delta(text.slice(half), speech.finishReason ?? 'stop'))
  send({ ...facts, choices: [], usage: usage(request, text) })
  if (speech.end !== 'no done') send('[DONE]')
  response.end()
}

function usage(request: JsonObject, text: string): JsonObject {
  const input = Math.ceil(JSON.stringify(request['messages']).length / 4)
  const output = Math.ceil(text.length / 4)
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    cost: (input + output) * PRICE_PER_TOKEN,
    is_byok: false,
  }
}
