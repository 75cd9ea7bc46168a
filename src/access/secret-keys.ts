import { randomUUID } from 'node:crypto'
import { link, open, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, LumeError, messageOf } from '../lib/index.ts'
import { newSecretKeyText, parseSecretKey, SecretCipher, type SecretKey } from './secret-cipher.ts'

const KEY_FILE = 'secret.key'

export interface SecretKeySettings {
  /** Newest first, in base64. */
  readonly listed: readonly string[]
  /** Where a key of its own may be kept; null: nowhere. */
  readonly folder: string | null
}

/**
 * What secrets are encrypted with: the listed keys and, after them, the folder's own, which is made once where no key is
 * listed. Null without any key. Throws `SECRET_KEY_INVALID`, `SECRET_KEY_FILE_INVALID` or `SECRET_KEY_FILE_UNREADABLE`; none quotes a key.
 */
export async function openSecretCipher({ listed, folder }: SecretKeySettings): Promise<SecretCipher | null> {
  const keys = listed.map((text) => {
    const key = parseSecretKey(text)
    if (key) return key
    throw new LumeError('SECRET_KEY_INVALID', 'a secret key is 32 bytes in base64: `openssl rand -base64 32`')
  })
  if (folder !== null) {
    const path = join(folder, KEY_FILE)
    const own = (await readKeyFile(path)) ?? (listed.length === 0 ? await makeKeyFile(path) : null)
    if (own) keys.push(own)
  }
  const [newest, ...older] = keys
  return newest ? new SecretCipher([newest, ...older]) : null
}

async function readKeyFile(path: string): Promise<SecretKey | null> {
  try {
    const key = parseSecretKey((await readFile(path, 'utf8')).trim())
    if (key) return key
  } catch (failure) {
    if (codeOf(failure) === 'ENOENT') return null
    throw fileError(path, failure)
  }
  throw new LumeError(
    'SECRET_KEY_FILE_INVALID',
    `${path} holds no key of 32 bytes in base64: put it back from a backup, or delete it and store all secrets again`,
  )
}

/** The file is whole and on the disk before it has its name, and whoever comes second takes the first one's. */
async function makeKeyFile(path: string): Promise<SecretKey | null> {
  const draft = `${path}.${randomUUID()}`
  const file = await open(draft, 'wx', 0o600).catch((failure: unknown) => {
    throw fileError(path, failure)
  })
  try {
    await file.writeFile(`${newSecretKeyText()}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    await link(draft, path)
  } catch (failure) {
    if (codeOf(failure) !== 'EEXIST') throw failure
  } finally {
    await unlink(draft)
  }
  return readKeyFile(path)
}

function fileError(path: string, failure: unknown): LumeError {
  return new LumeError(
    'SECRET_KEY_FILE_UNREADABLE',
    `${path} cannot be read or written: ${messageOf(failure)}. Give the file to the user of this process, or name the key in LUME_SECRET_KEY`,
    { cause: failure },
  )
}
