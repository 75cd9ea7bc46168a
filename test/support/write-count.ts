import { Socket } from 'node:net'

/** Counts the writes of a server's sockets to the operating system, from now until `stop`. */
export function countWrites(port: number): { stop(): number } {
  const prototype = Socket.prototype as unknown as {
    _writeGeneric(this: Socket, ...args: unknown[]): unknown
  }
  const { _writeGeneric: write } = prototype
  let count = 0
  prototype._writeGeneric = function counted(...args) {
    if (this.localPort === port) count++
    return write.apply(this, args)
  }
  return {
    stop() {
      prototype._writeGeneric = write
      return count
    },
  }
}
