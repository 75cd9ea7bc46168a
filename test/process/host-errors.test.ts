import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const PROGRAM = fileURLToPath(new URL('../support/host-program.js', import.meta.url))

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

function runHost(mode: string): Promise<{ exitCode: number; output: string; errors: string }> {
  const env = { PATH: process.env.PATH ?? '', DATABASE_URL: database.url }
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [PROGRAM, mode], { env }, (_failure, output, errors) =>
      resolve({ exitCode: child.exitCode ?? -1, output, errors }),
    )
  })
}

describe('a program that uses Lume as a library', () => {
  test('lives when a block or a callback leaves errors unhandled, and keeps no listener once Lume is closed', async () => {
    const { exitCode, output } = await runHost('quiet')
    expect(exitCode).toBe(0)
    expect(JSON.parse(output)).toEqual({
      status: 'failed',
      code: 'BLOCK_UNHANDLED_ERROR',
      seen: [],
      listeners: 0,
    })
  }, 60_000)

  test.each(['rejects', 'throws'])(
    'ends by its own error as it does without Lume: it %s',
    async (mode) => {
      const { exitCode, output, errors } = await runHost(mode)
      expect({ exitCode, output }).toEqual({ exitCode: 1, output: '' })
      expect(errors).toContain('Error: of the host')
    },
    60_000,
  )

  test('receives its own error in its own listener, and lives', async () => {
    const { exitCode, output } = await runHost('listens')
    expect(exitCode).toBe(0)
    expect(JSON.parse(output)).toMatchObject({ seen: expect.arrayContaining(['of the host']), listeners: 2 })
  }, 60_000)
})
