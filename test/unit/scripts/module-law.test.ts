import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from '@jest/globals'
import { findViolations, type ModuleRule, type SourceFile } from '../../../scripts/module-law.ts'

/** A small project that keeps the law. */
const SOUND = {
  'src/lib/index.ts': entry("export { one } from './one.ts'"),
  'src/lib/one.ts': 'export const one = 1\n',
  'src/engine/run/index.ts': entry("export { run } from './run.ts'"),
  'src/engine/run/run.ts':
    "import { one } from '../../lib/index.ts'\nimport { step } from './step/index.ts'\n",
  'src/engine/run/step/index.ts': entry("export { step } from './step.ts'"),
  'src/engine/run/step/step.ts': 'export const step = 1\n',
  'src/engine/validate/index.ts': entry("export { validate } from './validate.ts'"),
  'src/engine/validate/validate.ts': 'export const validate = 1\n',
  'src/jobs/index.ts': entry("export { start } from './start.ts'"),
  'src/jobs/start.ts': "import { run } from '../engine/run/index.ts'\n",
  'src/live/index.ts': entry("export { follow } from './follow.ts'"),
  'src/live/follow.ts': 'export const follow = 1\n',
  'src/app.ts': "import { start } from './jobs/index.ts'\n",
  'bench/chain.ts': "import { start } from '../src/jobs/index.ts'\n",
  'test/unit/step.test.ts': "import { step } from '../../src/engine/run/step/step.ts'\n",
}

test('a project that keeps the law of modules has no violation', () => {
  expect(check({})).toEqual([])
})

test.each<[string, ModuleRule, Readonly<Record<string, string>>]>([
  [
    'an import to the right',
    'layer',
    { 'src/engine/validate/validate.ts': "import { start } from '../../jobs/index.ts'\n" },
  ],
  [
    'a type-only import to the right',
    'layer',
    { 'src/lib/one.ts': "import type { Run } from '../engine/run/index.ts'\n" },
  ],
  [
    'an import between two folders of one layer',
    'layer',
    { 'src/live/follow.ts': "import { start } from '../jobs/index.ts'\n" },
  ],
  [
    'an import of a file that puts the modules together',
    'layer',
    { 'src/jobs/start.ts': "import type { App } from '../app.ts'\n" },
  ],
  [
    'a folder without a layer',
    'layer',
    {
      'src/tools/index.ts': entry("export { tool } from './tool.ts'"),
      'src/tools/tool.ts': "import { one } from '../lib/index.ts'\n",
    },
  ],
  [
    'an import past an entry',
    'entry',
    { 'src/engine/validate/validate.ts': "import { one } from '../../lib/one.ts'\n" },
  ],
  [
    'a type-only import past an entry, over several lines',
    'entry',
    { 'src/jobs/start.ts': "import type {\n  Run,\n  Stop,\n} from '../engine/run/run.ts'\n" },
  ],
  [
    'an import past an entry from outside of the sources',
    'entry',
    { 'bench/chain.ts': "import { start } from '../src/jobs/start.ts'\n" },
  ],
  [
    'an import type expression past an entry',
    'entry',
    { 'src/jobs/start.ts': "export type Run = import('../engine/run/run.ts').Run\n" },
  ],
  [
    'an import past an entry behind a default import',
    'entry',
    { 'src/jobs/start.ts': "import run, * as all from '../engine/run/run.ts'\n" },
  ],
  [
    'an import past an entry with a brace in a comment',
    'entry',
    { 'src/jobs/start.ts': "import { run /* } */ } from '../engine/run/run.ts'\n" },
  ],
  [
    'a call of `import` past an entry, with a template text and attributes',
    'entry',
    { 'src/jobs/start.ts': "await import(`../engine/run/run.ts`, { with: { type: 'json' } })\n" },
  ],
  [
    'a `require` past an entry',
    'entry',
    { 'src/jobs/start.ts': "const run = require('../engine/run/run.ts')\n" },
  ],
  [
    'an import of the library by its name',
    'layer',
    { 'src/jobs/start.ts': "import { createLume } from 'lume'\n" },
  ],
  [
    'an import of a test',
    'layer',
    { 'src/jobs/start.ts': "import { step } from '../../test/unit/step.test.ts'\n" },
  ],
  [
    'an entry that exports from another module',
    'promise',
    { 'src/jobs/index.ts': "/** Starts jobs. */\nexport { run } from '../engine/run/index.ts'\n" },
  ],
  [
    'an entry that promises in two sentences',
    'promise',
    { 'src/live/index.ts': "/** Follows jobs. Also ends. */\nexport { follow } from './follow.ts'\n" },
  ],
  [
    'an import of the own entry',
    'entry',
    { 'src/engine/run/run.ts': "import { run } from './index.ts'\nexport { run as again }\n" },
  ],
  [
    'an import of a private module from outside of its owner',
    'private',
    { 'src/jobs/start.ts': "import { step } from '../engine/run/step/index.ts'\n" },
  ],
  [
    'an import of a private module from the owner of its owner',
    'private',
    {
      'src/engine/run/run.ts': "import { held } from './step/state/index.ts'\n",
      'src/engine/run/step/state/index.ts': entry("export { held } from './held.ts'"),
      'src/engine/run/step/state/held.ts': 'export const held = 1\n',
    },
  ],
  [
    'a cycle of two files by types alone',
    'cycle',
    {
      'src/lib/one.ts': "import type { Two } from './two.ts'\n",
      'src/lib/two.ts': "import type { One } from './one.ts'\n",
    },
  ],
  [
    'a cycle of two modules whose files form none',
    'cycle',
    {
      'src/engine/run/other.ts': "import type { Validate } from '../validate/index.ts'\n",
      'src/engine/validate/validate.ts': "import type { Run } from '../run/index.ts'\n",
    },
  ],
  ['a module without an entry', 'promise', { 'src/db/sql/rows.ts': 'export const rows = 1\n' }],
  ['an entry without a sentence', 'promise', { 'src/lib/index.ts': "export { one } from './one.ts'\n" }],
  ['an entry that exports all', 'promise', { 'src/lib/index.ts': entry("export * from './one.ts'") }],
  ['an entry that holds code', 'promise', { 'src/lib/index.ts': entry('export const one = 1') }],
])('the check of modules refuses %s', (_case, rule, changed) => {
  expect(check(changed)).toContain(rule)
})

test('the program that lint runs names the planted violation and fails, and succeeds without one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lume-modules-'))
  try {
    for (const name of ['bench', 'examples', 'scripts']) await mkdir(join(folder, name))
    await write(folder, SOUND)
    expect(runProgram(folder)).toEqual({ status: 0, stderr: '' })
    await write(folder, { 'src/lib/one.ts': "import type { Run } from '../engine/run/index.ts'\n" })
    const { status, stderr } = runProgram(folder)
    expect(status).toBe(1)
    expect(stderr).toContain('src/lib/one.ts: imports src/engine/run')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

async function write(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, dirname(path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
}

function runProgram(cwd: string) {
  const program = [
    join(process.cwd(), 'node_modules/tsx/dist/cli.mjs'),
    join(process.cwd(), 'scripts/check-modules.ts'),
  ]
  const { status, stderr } = spawnSync(process.execPath, program, { cwd, encoding: 'utf8' })
  return { status, stderr }
}

function check(changed: Readonly<Record<string, string>>): readonly ModuleRule[] {
  const files: readonly SourceFile[] = Object.entries({ ...SOUND, ...changed }).map(([path, text]) => ({
    path,
    text,
  }))
  return findViolations(files).map(({ rule }) => rule)
}

function entry(line: string): string {
  return `/** Promises something. */\n${line}\n`
}
