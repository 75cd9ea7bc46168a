import { Duplex } from 'node:stream'

/** What a stream needs of the thread behind it. */
export interface Line {
  /** Resolves when bytes may be sent. */
  open(): Promise<void>
  send(bytes: Uint8Array<ArrayBuffer>): void
  /** May be called more than once. */
  close(): void
  ref(): void
  unref(): void
}

/** One connection to the embedded Postgres, with as much of a socket's ways as pg uses. */
export class PostgresStream extends Duplex {
  readonly #line: Line

  constructor(line: Line) {
    super()
    this.#line = line
  }

  connect(): this {
    this.#line.open().then(
      () => this.emit('connect'),
      (failure: Error) => this.destroy(failure),
    )
    return this
  }

  override _read(): void {
    // Bytes are pushed as they come: an answer is held in memory by Postgres' thread as a whole anyway.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    // A copy that may be handed over: pg's buffers are parts of larger ones that live on.
    this.#line.send(new Uint8Array(chunk))
    done()
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.#line.send(new Uint8Array(Buffer.concat(chunks.map(({ chunk }) => chunk))))
    done()
  }

  override _final(done: () => void): void {
    this.#line.close()
    this.push(null)
    done()
  }

  override _destroy(failure: Error | null, done: (failure: Error | null) => void): void {
    this.#line.close()
    done(failure)
  }

  ref(): this {
    this.#line.ref()
    return this
  }

  unref(): this {
    this.#line.unref()
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }
}
