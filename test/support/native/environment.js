import { LegacyFakeTimers, ModernFakeTimers } from '@jest/fake-timers'
import { ModuleMocker } from 'jest-mock'

/**
 * The environment of Jest for test files that run as ordinary modules of a worker: its global object is the global object
 * of the process. Teardown restores what Jest and the test file replaced in the process.
 */
export default class NativeEnvironment {
  global = globalThis
  moduleMocker = new ModuleMocker(globalThis)
  #variables = { ...process.env }
  #exit = process.exit
  #console = globalThis.console

  constructor({ projectConfig: config }) {
    const timerConfig = { idToRef: (timer) => timer, refToId: (timer) => timer }
    this.fakeTimers = new LegacyFakeTimers({
      config,
      global: globalThis,
      moduleMocker: this.moduleMocker,
      timerConfig,
    })
    this.fakeTimersModern = new ModernFakeTimers({ config, global: globalThis })
  }

  async setup() {}

  async teardown() {
    this.fakeTimers.dispose()
    this.fakeTimersModern.dispose()
    for (const name of Object.keys(process.env)) if (!(name in this.#variables)) delete process.env[name]
    Object.assign(process.env, this.#variables)
    process.exit = this.#exit
    globalThis.console = this.#console
  }

  /** Jest requires this method. Null: Jest's own module system evaluates no module. */
  getVmContext() {
    return null
  }
}
