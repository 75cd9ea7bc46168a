/** The type of the message with which a client takes its leave. */
export const TERMINATE = 'X'.charCodeAt(0)

// Sync, Query and Flush are what Postgres answers to; everything before them only prepares.
const ENDS_UNIT: ReadonlySet<number> = new Set([
  ...['S', 'Q', 'H'].map((type) => type.charCodeAt(0)),
  TERMINATE,
])

/**
 * Cuts what a client sends, in whatever pieces it comes, into units, which PGlite has to be given whole: the start
 * packet, then each run of messages up to one that Postgres answers to. Terminate is a unit of its own.
 */
export class UnitReader {
  #rest: Uint8Array = new Uint8Array(0)
  #isStarted = false

  /** The units that these bytes complete. */
  read(bytes: Uint8Array): readonly Uint8Array[] {
    const buffer = Buffer.concat([this.#rest, bytes])
    const units: Uint8Array[] = []
    let unitStart = 0
    let at = 0
    for (
      let end = this.#endOfMessage(buffer, at);
      end <= buffer.length;
      end = this.#endOfMessage(buffer, at)
    ) {
      const type = buffer[at] as number
      if (!this.#isStarted || ENDS_UNIT.has(type)) {
        units.push(buffer.subarray(type === TERMINATE ? at : unitStart, end))
        unitStart = end
        this.#isStarted = true
      }
      at = end
    }
    this.#rest = buffer.subarray(unitStart)
    return units
  }

  /** Where the message at `start` ends, also if that lies beyond what has come. Only the start packet has no type. */
  #endOfMessage(buffer: Buffer, start: number): number {
    const lengthAt = this.#isStarted ? start + 1 : start
    return lengthAt + 4 > buffer.length ? Infinity : lengthAt + buffer.readUInt32BE(lengthAt)
  }
}
