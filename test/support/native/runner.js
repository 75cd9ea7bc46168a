import { createRequire, register } from 'node:module'
import { pathToFileURL } from 'node:url'
import circus from 'jest-circus/runner'
import { setGlobals } from './jest-globals.js'

// The descriptions of the symbols under which jest-circus keeps the state of one test file on the global object.
const CIRCUS_STATE = new Set(['JEST_STATE_SYMBOL', 'EVENT_HANDLERS', 'TEST_TIMEOUT_SYMBOL'])

const require = createRequire(import.meta.url)

register('./hooks.js', import.meta.url)
process.setSourceMapsEnabled(true)

/**
 * Runs a test file with jest-circus, Jest's default runner, but lets Node load the modules. Jest's module system evaluates
 * every module of the server again for each test file; Node evaluates each module once for each worker, as on a server.
 * Test files in the same worker share the state of the modules that they import.
 */
export default async function runNatively(globalConfig, config, environment, runtime, testPath, ...rest) {
  // Jest installs a function that ignores inline source maps; without it, Node prints the positions in the TypeScript source.
  Error.prepareStackTrace = undefined
  // A fresh copy of the part of jest-circus that holds the state of a test file.
  runtime.requireInternalModule = (path) => {
    delete require.cache[path]
    return require(path)
  }
  runtime.unstable_shouldLoadAsEsm = () => true
  runtime.unstable_importModule = (path) => {
    setGlobals(runtime.requireModuleOrMock(path, '@jest/globals'))
    return import(pathToFileURL(path).href)
  }
  try {
    return await circus.default(globalConfig, config, environment, runtime, testPath, ...rest)
  } finally {
    for (const symbol of Object.getOwnPropertySymbols(globalThis))
      if (CIRCUS_STATE.has(symbol.description)) delete globalThis[symbol]
  }
}
