import { createParser } from 'eventsource-parser'
import { BlockError } from '../../../engine/block/index.ts'
import type { ProviderFailure, ProviderStream } from '../shared/index.ts'
import {
  completionPieceSchema,
  NO_USAGE,
  usageOf,
  type Completion,
  type CompletionPiece,
  type TokenUsage,
} from './completion.ts'
import { openRouterFailure, type OpenRouterError } from './openrouter-failure.ts'

const END_OF_STREAM = '[DONE]'
const MAX_TEXT_LENGTH = 2_000_000
/** The longest event of a stream, and the longest answer that is no stream, in characters. */
const MAX_PIECE_LENGTH = 10_000_000

export interface CompletionListener {
  /** Each piece of text as it comes. */
  onText(text: string): void
  /** What the call has cost: once, where OpenRouter has told it; also of a call that fails. */
  onUsage(usage: TokenUsage): void
}

/** OpenRouter's own refusal, with how far the answer had come. */
export class CompletionFailure extends Error {
  readonly failure: ProviderFailure
  /** Whether a part of the answer had come before: it is paid for. */
  readonly isMidway: boolean

  constructor(failure: ProviderFailure, { isMidway }: { isMidway: boolean }) {
    super(failure.message)
    this.failure = failure
    this.isMidway = isMidway
  }
}

/**
 * Reads an answer, streamed or whole: asked to stream, OpenRouter may still answer with one JSON document, even an error
 * under status 200. Throws `CompletionFailure` when OpenRouter says that it failed or does not come to an end.
 */
export async function readCompletion(
  stream: ProviderStream,
  listener: CompletionListener,
): Promise<Completion> {
  const gathering = new Gathering(stream.status, listener)
  try {
    if (/^\s*text\/event-stream/i.test(stream.header('content-type') ?? '')) {
      await feedEvents(stream.text, gathering)
    } else {
      let text = ''
      for await (const piece of stream.text) {
        text += piece
        if (text.length > MAX_PIECE_LENGTH) throw tooLong()
      }
      gathering.add(text)
    }
  } catch (failure) {
    throw gathering.hasText && isLostConnection(failure) ? gathering.cutOff() : failure
  } finally {
    gathering.tellUsage()
  }
  return gathering.end()
}

/** Comments, by which OpenRouter keeps the connection alive, never become events. */
async function feedEvents(text: AsyncIterable<string>, gathering: Gathering): Promise<void> {
  let events: string[] = []
  let isTooLong = false
  const parser = createParser({
    onEvent: ({ data }) => events.push(data),
    // Of a line without an end, and of an event of lines without end.
    maxBufferSize: MAX_PIECE_LENGTH,
    onError: ({ type }) => (isTooLong ||= type === 'max-buffer-size-exceeded'),
  })
  for await (const piece of text) {
    parser.feed(piece)
    const arrived = events
    events = []
    for (const data of arrived) if (data !== END_OF_STREAM) gathering.add(data)
    if (isTooLong) throw tooLong()
  }
}

function tooLong(): CompletionFailure {
  const message = `a piece of the answer has more than ${MAX_PIECE_LENGTH} characters`
  return new CompletionFailure({ kind: 'invalidRequest', message }, { isMidway: true })
}

function isLostConnection(failure: unknown): boolean {
  return failure instanceof BlockError && ['HTTP_NETWORK', 'HTTP_TIMEOUT'].includes(failure.code)
}

class Gathering {
  readonly #status: number
  readonly #listener: CompletionListener
  readonly #texts: string[] = []
  #length = 0
  #refusal = ''
  #id = ''
  #model = ''
  #finishReason: string | null = null
  #usage: TokenUsage | null = null

  constructor(status: number, listener: CompletionListener) {
    this.#status = status
    this.#listener = listener
  }

  get hasText(): boolean {
    return this.#length > 0
  }

  add(json: string): void {
    const piece = readPiece(json)
    this.#id = piece.id ?? this.#id
    this.#model = piece.model ?? this.#model
    this.#usage = usageOf(piece) ?? this.#usage
    // The last piece of a stream may have no choice at all.
    const [choice] = piece.choices ?? []
    const part = choice?.message ?? choice?.delta
    this.#addText(part?.content ?? '')
    if (this.#refusal.length < MAX_TEXT_LENGTH) this.#refusal += part?.refusal ?? ''
    const error = piece.error ?? choice?.error
    if (error) throw this.#failed(error)
    if (choice?.finish_reason === 'error') throw this.#failed({ code: 502, message: 'the model failed' })
    this.#finishReason = choice?.finish_reason ?? this.#finishReason
  }

  /** Only at the end: what comes before it counts from the beginning, too. */
  tellUsage(): void {
    if (this.#usage) this.#listener.onUsage(this.#usage)
  }

  /** Some streams end without `[DONE]`: it is the reason to finish that tells a whole answer from one cut off. */
  end(): Completion {
    if (this.#finishReason === null) throw this.cutOff()
    const text = this.#texts.join('')
    if (text === '' && this.#refusal !== '') {
      throw new CompletionFailure({ kind: 'refused', message: this.#refusal }, { isMidway: true })
    }
    // A model that had to be woken up may say nothing at first.
    if (text === '') throw this.#failed({ code: 502, message: 'the model answered nothing' })
    const facts = { id: this.#id, model: this.#model, finishReason: this.#finishReason }
    return { ...facts, text, usage: this.#usage ?? NO_USAGE }
  }

  cutOff(): CompletionFailure {
    return this.#failed({ code: 502, message: 'the answer broke off' })
  }

  #addText(text: string): void {
    if (text === '') return
    this.#length += text.length
    if (this.#length > MAX_TEXT_LENGTH) {
      const message = `the answer has more than ${MAX_TEXT_LENGTH} characters`
      throw new CompletionFailure({ kind: 'invalidRequest', message }, { isMidway: true })
    }
    this.#texts.push(text)
    this.#listener.onText(text)
  }

  #failed(error: OpenRouterError): CompletionFailure {
    return new CompletionFailure(openRouterFailure(error, this.#status), { isMidway: this.hasText })
  }
}

function readPiece(json: string): CompletionPiece {
  try {
    return completionPieceSchema.parse(JSON.parse(json))
  } catch {
    const message = 'it answered something that is not a completion'
    throw new CompletionFailure({ kind: 'unavailable', message }, { isMidway: true })
  }
}
