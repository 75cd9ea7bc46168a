import { cp, readFile, rm } from 'node:fs/promises'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

// Bundles the server, the library and their threads into `dist`, and copies there what the server reads beside its code.
// A process then loads about ten files instead of 2,000 (docs/decisions/bundle.md).

const ROOT = fileURLToPath(new URL('../', import.meta.url))

/** What other code imports or starts by its path. */
const ENTRIES = [
  'src/index.ts',
  'src/main.ts',
  'src/jobs/schema-checks/thread.ts',
  'src/db/embedded/worker.ts',
  'src/watchdog/watchdog-thread.js',
]

/** Packages that stay in `node_modules`. */
const EXTERNAL = [
  // They read files of their own packages.
  '@electric-sql/pglite',
  '@prisma/client',
  // It holds a page of 9 MB, which is loaded when the first visitor asks for it.
  '@graphql-yoga/render-graphiql',
  // Block modules pass their schemas to Lume, so both use one copy.
  'zod',
  // Only a server that runs from source loads it.
  'tsx',
]

const DOCUMENTS = 'http/graphiql/documents'

/** Lets a module find files relative to its source, whichever chunk it ends up in. */
const sourceUrls: Plugin = {
  name: 'source-urls',
  setup({ onLoad }) {
    onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
      const code = await readFile(path, 'utf8')
      if (!code.includes('import.meta.url')) return undefined
      const compiled = relative(`${ROOT}/src`, path).replace(/\.ts$/, '.js')
      const url = `new URL('../${compiled}', import.meta.url).href`
      return { contents: code.replaceAll('import.meta.url', url), loader: 'ts' }
    })
  },
}

await rm('dist/chunks', { recursive: true, force: true })
await build({
  absWorkingDir: ROOT,
  entryPoints: ENTRIES,
  outdir: 'dist',
  outbase: 'src',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  sourcemap: 'linked',
  conditions: ['lume:source'],
  external: EXTERNAL,
  plugins: [sourceUrls],
  // Packages in the older module format call `require` for what Node provides.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  logLevel: 'warning',
})

await rm(`dist/${DOCUMENTS}`, { recursive: true, force: true })
await cp(`src/${DOCUMENTS}`, `dist/${DOCUMENTS}`, { recursive: true })
