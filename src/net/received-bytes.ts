/** Pieces that have at least this many bytes are kept as they are. */
const LARGE_PIECE_BYTES = 16 * 1024

const FIRST_BLOCK_BYTES = 4 * 1024
const LARGEST_BLOCK_BYTES = 256 * 1024

/**
 * Bytes that arrive in pieces. Small pieces are copied into blocks: a sender may send an answer in pieces of one byte, each of which
 * takes more than a hundred bytes of heap as a `Buffer`, and keeps the memory that it is a part of.
 */
export class ReceivedBytes {
  /** Those that are full, in order. */
  readonly #parts: Buffer[] = []
  #block: Buffer = Buffer.alloc(0)
  /** The bytes of the block that are in use. */
  #used = 0
  #length = 0

  append(piece: Buffer): void {
    this.#length += piece.length
    if (piece.length >= LARGE_PIECE_BYTES) {
      this.#endBlock()
      this.#parts.push(piece)
      return
    }
    let rest = piece
    while (rest.length > 0) {
      if (this.#used === this.#block.length) this.#beginBlock(rest.length)
      const copied = rest.copy(this.#block, this.#used)
      this.#used += copied
      rest = rest.subarray(copied)
    }
  }

  /** All bytes. */
  bytes(): Buffer {
    this.#endBlock()
    const [only, ...more] = this.#parts
    return only && more.length === 0 ? only : Buffer.concat(this.#parts)
  }

  #beginBlock(neededBytes: number): void {
    this.#endBlock()
    const bytes = Math.min(LARGEST_BLOCK_BYTES, Math.max(FIRST_BLOCK_BYTES, this.#length, neededBytes))
    this.#block = Buffer.allocUnsafeSlow(bytes)
  }

  #endBlock(): void {
    if (this.#used > 0) this.#parts.push(this.#block.subarray(0, this.#used))
    this.#block = Buffer.alloc(0)
    this.#used = 0
  }
}
