import { spawnSync } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'

/** Files of a small project, each with one import that its folder may not have. */
const PLANTED = {
  'src/cel/planted.ts': "import { readFile } from 'node:fs/promises'\n\nexport const read = readFile\n",
  'src/engine/run/planted.ts':
    "import { readFile } from 'node:fs/promises'\n\nexport const read = readFile\n",
  'src/net/planted.ts': "import pg from 'pg'\n\nexport const open = () => new pg.Pool()\n",
  'src/blocks/core/planted.ts': "import { parse } from 'graphql'\n\nexport const read = parse\n",
  'src/db/stores/planted.ts': "import { parse } from 'graphql'\n\nexport const read = parse\n",
  'src/jobs/start/planted.ts': "import type { Pool } from 'pg'\n\nexport type Connections = Pool\n",
  'src/live/planted.ts': "import type { Pool } from 'pg'\n\nexport type Connections = Pool\n",
  'src/workflows/planted.ts': "import type { Pool } from 'pg'\n\nexport type Connections = Pool\n",
  'src/access/planted.ts': "import type { Pool } from 'pg'\n\nexport type Connections = Pool\n",
  'src/schema/kit/planted.ts': "import type { Pool } from 'pg'\n\nexport type Connections = Pool\n",
  'src/lib/time/planted.ts': "import type { There } from './there.ts'\n\nexport type Here = There | null\n",
} as const
const SOUND = {
  'src/db/sql/sound.ts': "import type { Pool } from 'pg'\n\nexport type Connections = Pool\n",
} as const
const SECOND_HALF = {
  'src/lib/time/there.ts':
    "import type { Here } from './planted.ts'\n\nexport interface There {\n  readonly here: Here\n}\n",
} as const

let folder: string
let found: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lume-lint-'))
  await copyFile('.oxlintrc.json', join(folder, '.oxlintrc.json'))
  for (const [path, text] of Object.entries({ ...PLANTED, ...SOUND, ...SECOND_HALF })) {
    await mkdir(join(folder, dirname(path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  const oxlint = join(process.cwd(), 'node_modules/oxlint/bin/oxlint')
  const { stdout, stderr } = spawnSync(process.execPath, [oxlint, '--format', 'unix'], {
    cwd: folder,
    encoding: 'utf8',
  })
  found = stdout + stderr
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test.each(Object.keys(PLANTED))('lint refuses the import planted in %s', (path) => {
  expect(found).toMatch(new RegExp(`${path}.*(no-restricted-imports|no-cycle)`))
})

test('lint accepts the same import in a folder that may have it', () => {
  for (const path of Object.keys(SOUND)) expect(found).not.toContain(path)
})
