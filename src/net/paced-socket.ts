import type { Socket } from 'node:net'
import { isTurnOver, yieldToEventLoop } from '../lib/turns/index.ts'

/** The bytes of an answer that are parsed before it is checked whether other work must have the thread. */
export const PACED_READ_BYTES = 8 * 1024

/**
 * Takes in the bytes of a connection in small pieces, and only while the turn of the event loop is not over. A sender may divide an
 * answer into millions of header lines, interim answers or chunks, each of which takes many times longer to handle than to receive; Node
 * reads up to two megabytes of each connection in one turn.
 */
export function paceSocket(socket: Socket): void {
  const read = socket.read.bind(socket)
  let isResting = false
  // undici reads without a size, whenever the socket is readable and until there is nothing more. Node's streams read 0 bytes to go on.
  socket.read = (size?: number) => {
    if (size !== undefined) return read(size) as Buffer | null
    if (isResting || socket.destroyed) return null
    const bytes = socket.readableLength
    if (bytes === 0) return read() as Buffer | null
    if (!isTurnOver()) return read(Math.min(bytes, PACED_READ_BYTES)) as Buffer | null
    isResting = true
    void yieldToEventLoop().then(() => {
      isResting = false
      if (!socket.destroyed) socket.emit('readable')
    })
    return null
  }
}
