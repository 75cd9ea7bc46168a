// Blocks as careless authors write them, for LUME_BLOCKS. What each leaves behind would end a process.
import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

const done = (output = null) => ({ status: 'completed', output })

/** By the last part of the type: each is `execute` of a block of the class form. */
const FAULTY = {
  rejectsAndReturns() {
    void Promise.reject(new Error('lost promise'))
    return done(1)
  },
  throwsLater() {
    setTimeout(() => {
      throw new Error('late timer')
    }, 20)
    return done(1)
  },
  /** Its request fails when the server at the URL hangs up, long after the attempt. */
  requestsAndReturns({ url }) {
    void fetch(url)
    return done(1)
  },
  async throwsFromTimer(_config, _input, { signal }) {
    setTimeout(() => {
      throw new Error('timer')
    }, 5)
    await sleep(60_000, null, { signal })
  },
  async rejectsWhileItRuns(_config, _input, { signal }) {
    void sleep(5).then(() => {
      throw new Error('rejection')
    })
    await sleep(60_000, null, { signal })
  },
  async emitsAnError(_config, _input, { signal }) {
    const emitter = new EventEmitter()
    setTimeout(() => emitter.emit('error', new Error('emitter')), 5)
    await sleep(60_000, null, { signal })
  },
  async throwsFromMicrotask(_config, _input, { signal }) {
    queueMicrotask(() => {
      throw new Error('microtask')
    })
    await sleep(60_000, null, { signal })
  },
  async throwsFromTick(_config, _input, { signal }) {
    process.nextTick(() => {
      throw new Error('tick')
    })
    await sleep(60_000, null, { signal })
  },
  async throwsUndefined(_config, _input, { signal }) {
    setTimeout(() => {
      throw undefined
    }, 5)
    await sleep(60_000, null, { signal })
  },
  exits() {
    process.exit(0)
  },
  async exitsLater(_config, _input, { signal }) {
    setTimeout(() => process.exit(0), 5)
    await sleep(60_000, null, { signal })
  },
  aborts() {
    process.abort()
  },
  hasOutputThatThrows() {
    return done({
      toJSON() {
        throw new Error('toJSON')
      },
    })
  },
  hasGetterThatThrows() {
    return {
      status: 'completed',
      get output() {
        throw new Error('getter')
      },
    }
  },
  returnsThenableThatNeverSettles() {
    return { then() {} }
  },
  async listenerThrows(_config, _input, { signal }) {
    signal.addEventListener('abort', () => {
      throw new Error('listener')
    })
    await new Promise(() => {})
  },
  reportsLate(_config, _input, { log, checkpoint, progress }) {
    setTimeout(() => {
      log.error('too late')
      progress(0.5)
      void checkpoint('key', 1)
    }, 20)
    return done(1)
  },
}

export default function register(registerBlock) {
  for (const [name, execute] of Object.entries(FAULTY)) {
    class Faulty {
      execute = execute
    }
    registerBlock(`faulty.${name}`, Faulty)
  }
  /** Waits for as long as its config says, without keeping the thread. */
  class Sleep {
    async execute({ ms }, _input, { signal }) {
      await sleep(ms, null, { signal })
      return done('slept')
    }
  }
  registerBlock('faulty.sleep', Sleep)
  /** Keeps the thread for as long as its config says, at once or after a wait. */
  class Hold {
    async execute({ ms, afterMs }) {
      if (afterMs) await sleep(afterMs)
      const end = performance.now() + ms
      while (performance.now() < end);
      return done('held')
    }
  }
  registerBlock('faulty.hold', Hold)
}

// A module that is careless itself.
void Promise.reject(new Error('module promise'))
setTimeout(() => {
  throw new Error('module timer')
}, 1)
