import { readdir, readFile } from 'node:fs/promises'
import { findViolations, type SourceFile } from './module-law.ts'

// Fails where an import breaks the law of modules: layers, entries, cycles.

const FOLDERS = ['src', 'bench', 'examples', 'scripts']
/** Programs with packages of their own, which import nothing of Lume. */
const APART = 'bench/peers/'

const violations = findViolations(await readFiles())
for (const { rule, path, message } of violations) console.error(`${path}: ${message} (${rule})`)
if (violations.length > 0) {
  console.error(
    `${violations.length} violations of the law of modules; docs/decisions/modules.md explains it.`,
  )
  process.exitCode = 1
}

async function readFiles(): Promise<readonly SourceFile[]> {
  const names = await Promise.all(
    FOLDERS.map(async (folder) =>
      (await readdir(folder, { recursive: true })).map((name) => `${folder}/${name.replaceAll('\\', '/')}`),
    ),
  )
  const paths = names.flat().filter((path) => /\.(?:ts|js)$/.test(path) && !path.startsWith(APART))
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(path, 'utf8') })))
}
