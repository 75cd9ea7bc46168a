import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { newSecretKeyText, parseSecretKey } from '../../../src/access/secret-cipher.ts'
import { openSecretCipher } from '../../../src/access/secret-keys.ts'
import { OWNER } from '../../support/jobs.ts'

const PLACE = { ownerId: OWNER, name: 'stripe' }

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lume-keys-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('without a listed key the folder gets one of its own, once, for its owner’s eyes only', async () => {
  const first = await openSecretCipher({ listed: [], folder })
  const path = join(folder, 'secret.key')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  const text = await readFile(path, 'utf8')
  expect(parseSecretKey(text.trim())?.id).toBe(first?.keyId)
  const second = await openSecretCipher({ listed: [], folder })
  expect(second?.keyId).toBe(first?.keyId)
  expect(await readFile(path, 'utf8')).toBe(text)
  expect(await readdir(folder)).toEqual(['secret.key'])
})

test('of many that make the key at once all get the same one', async () => {
  const ciphers = await Promise.all(
    Array.from({ length: 20 }, () => openSecretCipher({ listed: [], folder })),
  )
  expect(new Set(ciphers.map((cipher) => cipher?.keyId)).size).toBe(1)
  expect(await readdir(folder)).toEqual(['secret.key'])
})

test('a listed key comes before the folder’s own, which still opens what it sealed', async () => {
  const own = await openSecretCipher({ listed: [], folder })
  const sealed = own?.seal(PLACE, 'the value')
  const text = newSecretKeyText()
  const cipher = await openSecretCipher({ listed: [text], folder })
  expect(cipher?.keyId).toBe(parseSecretKey(text)?.id)
  expect(sealed && cipher?.open(PLACE, sealed)).toBe('the value')
})

test('a listed key makes no file; without key and folder there is no cipher', async () => {
  expect(await openSecretCipher({ listed: [newSecretKeyText()], folder })).not.toBeNull()
  expect(await readdir(folder)).toEqual([])
  expect(await openSecretCipher({ listed: [], folder: null })).toBeNull()
})

test('a file that holds no key is named and left alone; a listed text that is none is not quoted', async () => {
  await writeFile(join(folder, 'secret.key'), 'half a k')
  await expect(openSecretCipher({ listed: [], folder })).rejects.toMatchObject({
    code: 'SECRET_KEY_FILE_INVALID',
    message: expect.stringContaining(join(folder, 'secret.key')),
  })
  expect(await readFile(join(folder, 'secret.key'), 'utf8')).toBe('half a k')
  await expect(openSecretCipher({ listed: ['no-key-at-all'], folder: null })).rejects.toMatchObject({
    code: 'SECRET_KEY_INVALID',
    message: expect.not.stringContaining('no-key-at-all'),
  })
})
