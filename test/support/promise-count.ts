import { createHook } from 'node:async_hooks'

/** Counts the promises that this process makes, from now until `stop`. */
export function countPromises(): { stop(): number } {
  let count = 0
  const hook = createHook({
    init(_id, type) {
      if (type === 'PROMISE') count++
    },
  }).enable()
  return {
    stop() {
      hook.disable()
      return count
    },
  }
}
