import { readFile } from 'node:fs/promises'

/** The operations that GraphiQL opens with: files under `documents/`, which the build copies. A line has about 55 characters. */
const DOCUMENTS = [
  'runs/approval',
  'runs/cancel',
  'runs/execute',
  'runs/leads',
  'runs/pause',
  'runs/result',
  'runs/resume',
  'runs/retry',
  'runs/search',
  'runs/signal',
  'runs/watch',
  'runs/watch-all',
  'tools/blocks',
  'tools/schedule',
  'tools/secrets',
  'tools/set-secret',
  'tools/simulate',
  'tools/test-block',
  'workflows/create',
  'workflows/diff',
  'workflows/from-template',
  'workflows/publish',
  'workflows/save',
  'workflows/templates',
  'workflows/validate',
  'workflows/workflows',
] as const
export type DocumentName = (typeof DOCUMENTS)[number]

const FOLDER = new URL('./documents/', import.meta.url)

/** Reads every operation, by its path under `documents/` without `.graphql`. */
export async function readDocuments(): Promise<Readonly<Record<DocumentName, string>>> {
  const entries = await Promise.all(
    DOCUMENTS.map(
      async (name) => [name, await readFile(new URL(`${name}.graphql`, FOLDER), 'utf8')] as const,
    ),
  )
  return Object.fromEntries(entries) as Record<DocumentName, string>
}
