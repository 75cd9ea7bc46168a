import type { Duplex } from 'node:stream'
import { CloseCode } from 'graphql-ws'
import type { WebSocket } from 'ws'
import type { Awaitable } from '../../lib/turns/index.ts'
import { tooComplex, type RequestSize } from './bodies.ts'
import { VALUE_WEIGHT_BYTES, type BodyBudget, type Hold } from './body-budget.ts'
import { JsonStructure } from './json-structure.ts'
import type { ParseTurns } from './parse-turns.ts'
import { RefusedRequestError } from './refused-request.ts'

/** Maximum UTF-16 units of the id of an operation; each of its results repeats it. */
export const OPERATION_ID_MAX_LENGTH = 255
/** Maximum number of operations of one WebSocket that are not answered yet; beyond it nothing more is read from the client. */
export const SOCKET_MAX_UNANSWERED = 8
/** RFC 6455, 7.4.1. */
export const TOO_BIG = 1009
/** RFC 6455, registered: try again later. */
const TRY_LATER = 1013
/** The most that the header of a frame from a client takes, by the length of its payload. */
function frameBytes(payloadBytes: number): number {
  if (payloadBytes < 126) return 6
  return payloadBytes < 65_536 ? 8 : 14
}

export interface MessageIntakeOptions {
  readonly client: WebSocket
  /** What the client is read from. */
  readonly socket: Duplex
  readonly budget: BodyBudget
  readonly turns: ParseTurns
  /** Whose bytes these are: asked again for each message, since a client is admitted by its first one. */
  readonly sender: () => string
  /** Closes the connection. */
  readonly leave: (code: number, reason: string) => void
  /** Takes a parsed message. A promise: it resolves when what the message asked for is over. */
  readonly handle: (message: object | null) => Awaitable<void>
  /** Counts a message. False: there were too many, and the connection is being closed. */
  readonly count: () => boolean
}

/** An operation whose message was taken. */
interface Running {
  ended: Awaitable<void>
  readonly hold: Hold
  /** The client ended it, or was informed of its end. */
  isOver: boolean
  /** It has ended, or its subscription has begun. */
  isAnswered: boolean
}

/**
 * Takes the messages of one WebSocket client in their order: counts their bytes as they arrive, also those of a message
 * that is not whole yet, and their structure before they are parsed; parses large ones when it is their turn, and reads no
 * further meanwhile. What a message holds is in flight until its operation has ended, or its subscription has begun.
 */
export class MessageIntake {
  readonly #options: MessageIntakeOptions
  readonly #running = new Map<string, Running>()
  /** By the payloads of messages. */
  readonly #sizes = new WeakMap<object, RequestSize>()
  readonly #gone = new AbortController()
  /** Bytes that were received of messages that are not whole yet. */
  #partial: Hold
  #sender: string
  #partialBytes = 0
  #lastChunkBytes = 0
  readonly #queue: Buffer[] = []
  #isBusy = false
  #unanswered = 0
  /** Called when an operation is answered, or the client has gone. */
  #onRoom: (() => void) | null = null

  constructor(options: MessageIntakeOptions) {
    this.#options = options
    this.#sender = options.sender()
    this.#partial = options.budget.hold(this.#sender)
    // Ahead of the listener that puts messages together.
    options.socket.prependListener('data', (chunk: Buffer) => this.#arrived(chunk.length))
    options.client.on('message', (message: Buffer) => this.#take(message))
    for (const control of ['ping', 'pong'] as const) {
      options.client.on(control, (payload: Buffer) => this.#completed(payload.length))
    }
    options.client.once('close', () => {
      this.#partial.release()
      this.#queue.length = 0
      this.#gone.abort(new Error('the client has gone'))
      this.#onRoom?.()
    })
  }

  /** The operation of this id is over for its client, who may use the id again. */
  over(id: string): void {
    const running = this.#running.get(id)
    if (running) running.isOver = true
  }

  /** The subscription of this id has begun: what it retains is counted with the open subscriptions. */
  began(id: string): void {
    const running = this.#running.get(id)
    if (!running) return
    running.hold.release()
    this.#answered(running)
  }

  /** The size of the message that had this payload. */
  sizeOf(payload: object): RequestSize {
    return this.#sizes.get(payload) ?? { size: 0, values: 0 }
  }

  #answered(running: Running): void {
    if (running.isAnswered) return
    running.isAnswered = true
    this.#unanswered--
    this.#onRoom?.()
  }

  #arrived(bytes: number): void {
    this.#lastChunkBytes = bytes
    this.#partialBytes += bytes
    const sender = this.#options.sender()
    if (sender === this.#sender) return void this.#guard(() => this.#partial.add(bytes))
    this.#sender = sender
    this.#partial.release()
    this.#partial = this.#options.budget.hold(sender)
    this.#guard(() => this.#partial.add(this.#partialBytes))
  }

  /** Of what arrived, so much was a whole frame; at most the rest of the last chunk belongs to the next one. */
  #completed(payloadBytes: number): void {
    const left = Math.max(0, this.#partialBytes - payloadBytes - frameBytes(payloadBytes))
    const kept = Math.min(left, this.#lastChunkBytes)
    this.#partial.drop(this.#partialBytes - kept)
    this.#partialBytes = kept
  }

  #take(message: Buffer): void {
    this.#completed(message.length)
    this.#queue.push(message)
    if (!this.#isBusy) this.#work()
  }

  /** Reads the messages that have arrived, until one has to wait. */
  #work(): void {
    this.#isBusy = true
    for (let message = this.#queue.shift(); message; message = this.#queue.shift()) {
      const reading = this.#read(message)
      if (reading !== null || !this.#hasRoom()) return void this.#wait(reading)
    }
    this.#isBusy = false
  }

  /** Reads no further until the message has been taken and there is room for the next one. */
  async #wait(reading: Promise<void> | null): Promise<void> {
    const { client } = this.#options
    client.pause()
    if (reading) await reading
    while (!this.#hasRoom()) await new Promise<void>((resolve) => (this.#onRoom = resolve))
    if (client.readyState === client.OPEN) client.resume()
    this.#work()
  }

  #hasRoom(): boolean {
    return this.#unanswered < SOCKET_MAX_UNANSWERED || this.#gone.signal.aborted
  }

  /** Null: the message was taken at once. A promise: it waits, and those behind it do. */
  #read(bytes: Buffer): Promise<void> | null {
    const { client, budget, turns, sender, leave } = this.#options
    if (client.readyState !== client.OPEN || !this.#options.count()) return null
    const structure = new JsonStructure()
    const excess = structure.write(bytes)
    if (excess) {
      const limit = excess === 'values' ? 'too many values' : 'nested too deeply'
      client.pause()
      leave(TOO_BIG, `${tooComplex(excess).code}: the message has ${limit}`)
      return null
    }
    const hold = budget.hold(sender())
    if (!this.#guard(() => hold.add(bytes.length + VALUE_WEIGHT_BYTES * structure.values))) {
      hold.release()
      return null
    }
    const read = () => this.#parse(bytes, structure.values)
    if (turns.isImmediate(bytes.length)) return this.#handle(read(), hold)
    const body = { owner: sender(), size: bytes.length, signal: this.#gone.signal }
    return turns.run(body, read).then(
      (message) => this.#handle(message, hold) ?? undefined,
      (fault: unknown) => {
        hold.release()
        if (fault instanceof RefusedRequestError) leave(TRY_LATER, fault.code)
      },
    )
  }

  #parse(bytes: Buffer, values: number): object | null {
    const message = parse(bytes)
    const { payload } = (message ?? {}) as { readonly payload?: unknown }
    if (typeof payload === 'object' && payload !== null) {
      this.#sizes.set(payload, { size: bytes.length, values })
    }
    return message
  }

  #handle(message: object | null, hold: Hold): Promise<void> | null {
    const { id, type } = (message ?? {}) as { readonly id?: unknown; readonly type?: unknown }
    if (typeof id !== 'string') return this.#start(message, hold)
    if (id.length > OPERATION_ID_MAX_LENGTH) {
      hold.release()
      this.#options.leave(CloseCode.BadRequest, `An id has at most ${OPERATION_ID_MAX_LENGTH} characters`)
      return null
    }
    if (type === 'complete') this.over(id)
    const running = this.#running.get(id)
    // The last message of an operation is sent before the operation has ended.
    if (type === 'subscribe' && running?.isOver && running.ended instanceof Promise) {
      return running.ended.then(() => void this.#start(message, hold, id))
    }
    return this.#start(message, hold, type === 'subscribe' ? id : undefined)
  }

  #start(message: object | null, hold: Hold, id?: string): null {
    // A message that waited for its turn may outlive its connection: nothing would end an operation that begins now.
    if (this.#gone.signal.aborted) {
      hold.release()
      return null
    }
    const running: Running = { ended: undefined, hold, isOver: false, isAnswered: id === undefined }
    if (id !== undefined) this.#unanswered++
    if (id !== undefined && !this.#running.has(id)) this.#running.set(id, running)
    const end = () => {
      hold.release()
      this.#answered(running)
      if (id !== undefined && this.#running.get(id) === running) this.#running.delete(id)
    }
    const handling = this.#options.handle(message)
    if (handling instanceof Promise) running.ended = handling.then(end)
    else end()
    return null
  }

  /** Closes the connection where the budget refuses. */
  #guard(add: () => void): boolean {
    const { client, leave } = this.#options
    try {
      add()
      return true
    } catch (fault) {
      if (!(fault instanceof RefusedRequestError)) throw fault
      client.pause()
      leave(TRY_LATER, fault.code)
      return false
    }
  }
}

/** What is no JSON object is left for graphql-ws to refuse; a text it would parse once more. */
function parse(bytes: Buffer): object | null {
  try {
    const message: unknown = JSON.parse(bytes.toString())
    return typeof message === 'object' ? message : null
  } catch {
    return null
  }
}
