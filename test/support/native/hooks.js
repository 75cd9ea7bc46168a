import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { transform } from '@swc/core'

const GLOBALS = new URL('./jest-globals.js', import.meta.url).href
const LIBRARY = new URL('../../../src/index.ts', import.meta.url).href

/** Resolves the names that only tests use. */
export async function resolve(specifier, context, nextResolve) {
  if (specifier === '@jest/globals') return { url: GLOBALS, shortCircuit: true }
  if (specifier === 'lume') return { url: LIBRARY, shortCircuit: true }
  return nextResolve(specifier, context)
}

/** Loads TypeScript. */
export async function load(url, context, nextLoad) {
  if (!url.endsWith('.ts')) return nextLoad(url, context)
  const filename = fileURLToPath(url)
  const { code } = await transform(await readFile(filename, 'utf8'), {
    filename,
    swcrc: false,
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    sourceMaps: 'inline',
  })
  return { format: 'module', source: code, shortCircuit: true }
}
