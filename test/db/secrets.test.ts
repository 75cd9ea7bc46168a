import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { newSecretKeyText, parseSecretKey, SecretCipher } from '../../src/access/secret-cipher.ts'
import { createSecretVault, type SecretVault, type SecretVaultOptions } from '../../src/access/secrets.ts'
import { createSecretStore, type SecretStore } from '../../src/db/stores/secret-store.ts'
import { ownerId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { OWNER, STRANGER } from '../support/jobs.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { writingsIn } from '../support/writings.ts'
import { UNBOUNDED } from '../support/quotas.ts'

const VALUE = 'sk-live/"ä+b&c\\d e?f'
const [OLD_KEY, NEW_KEY] = [newKey(), newKey()]

let database: TestDatabase
let store: SecretStore
const clock = new ManualClock()

beforeAll(async () => {
  database = await createTestDatabase()
  store = createSecretStore(database.pool)
})
beforeEach(() => database.pool.query('TRUNCATE secrets'))
afterAll(() => database.drop())

function newKey() {
  const key = parseSecretKey(newSecretKeyText())
  if (!key) throw new Error('a new key cannot be read')
  return key
}

function vaultOf(
  keys: readonly ReturnType<typeof newKey>[] = [OLD_KEY],
  more: Partial<SecretVaultOptions> = {},
): SecretVault {
  const [newest, ...older] = keys
  const cipher = newest ? new SecretCipher([newest, ...older]) : null
  const environment = { values: {}, owners: [] }
  return createSecretVault({ store, cipher, environment, clock, quotas: UNBOUNDED, ...more })
}

async function valueOf(vault: SecretVault, name: string, owner = OWNER): Promise<string | undefined> {
  return (await vault.sourceFor(owner).open([name])).get(name)
}

describe('stored secrets', () => {
  test('come back to the runs of their owner alone (P8)', async () => {
    const vault = vaultOf()
    expect(await vault.set(OWNER, 'stripe', VALUE)).toEqual({
      kind: 'saved',
      secret: { name: 'stripe', source: 'STORED', updatedAt: new Date(clock.now()) },
    })
    expect(await vault.sourceFor(OWNER).open(['stripe', 'other'])).toEqual(new Map([['stripe', VALUE]]))
    expect(await vault.sourceFor(OWNER).open([])).toEqual(new Map())
    expect(await valueOf(vault, 'stripe', STRANGER)).toBeUndefined()
    expect(await vault.names(STRANGER)).toEqual([])
    expect(await vault.delete(STRANGER, 'stripe')).toBe(false)
    expect(await vault.names(OWNER)).toEqual(['stripe'])
  })

  test('stand in the database in no writing that could be read (P7)', async () => {
    await vaultOf().set(OWNER, 'stripe', VALUE)
    const { rows } = await database.pool.query<{ text: string; hex: string }>(
      `SELECT s::text AS text, encode(nonce || ciphertext, 'hex') AS hex FROM secrets s`,
    )
    expect(rows).toHaveLength(1)
    for (const { text, hex } of rows) {
      const bytes = Buffer.from(hex, 'hex')
      for (const form of [
        text,
        hex,
        bytes.toString('latin1'),
        bytes.toString('utf8'),
        bytes.toString('base64'),
      ]) {
        expect(writingsIn(form, VALUE)).toEqual([])
      }
      expect(bytes.length).toBe(12 + Buffer.byteLength(VALUE) + 16)
    }
  })

  test('are replaced as a whole, deleted, and then gone', async () => {
    const vault = vaultOf()
    await vault.set(OWNER, 'stripe', 'the first value')
    await clock.advance(1_000)
    await vault.set(OWNER, 'stripe', 'the second value')
    expect(await valueOf(vault, 'stripe')).toBe('the second value')
    expect(await vault.list(OWNER)).toEqual([
      { name: 'stripe', source: 'STORED', updatedAt: new Date(clock.now()) },
    ])
    expect(await vault.delete(OWNER, 'stripe')).toBe(true)
    expect(await vault.delete(OWNER, 'stripe')).toBe(false)
    expect(await valueOf(vault, 'stripe')).toBeUndefined()
  })

  test.each<[what: string, name: string, value: string, argument: string]>([
    ['a name with a dash', 'my-key', VALUE, 'name'],
    ['a name that begins with a digit', '1key', VALUE, 'name'],
    ['an empty name', '', VALUE, 'name'],
    ['a name with a NUL', 'a\u0000', VALUE, 'name'],
    ['a name that is too long', 'a'.repeat(65), VALUE, 'name'],
    ['a value that is too short', 'key', 'abc-123', 'value'],
    ['a value that is too short but for white space', 'key', '  abc-123 \n', 'value'],
    ['a value that is too long', 'key', 'x'.repeat(8_193), 'value'],
    ['a value with a NUL', 'key', 'abcdefgh\u0000', 'value'],
    ['a value with half a character', 'key', 'abcdefgh\ud800', 'value'],
  ])('are not %s; the refusal does not quote it', async (_what, name, value, argument) => {
    const result = await vaultOf().set(OWNER, name, value)
    expect(result).toEqual({ kind: 'invalid', path: ['input', argument], message: expect.any(String) })
    expect(JSON.stringify(result)).not.toContain(value.trim())
    expect(await vaultOf().names(OWNER)).toEqual([])
  })

  test('may have the longest name and value', async () => {
    const vault = vaultOf()
    const name = `k${'_'.repeat(63)}`
    expect(await vault.set(OWNER, name, 'ß'.repeat(8_192))).toMatchObject({ kind: 'saved' })
    expect(await valueOf(vault, name)).toBe('ß'.repeat(8_192))
  })

  test('without a key cannot be stored or read, and the answer names the setting', async () => {
    expect(await vaultOf([]).set(OWNER, 'stripe', VALUE)).toEqual({
      kind: 'noKey',
      message: expect.stringContaining('LUME_SECRET_KEY'),
    })
    await vaultOf().set(OWNER, 'stripe', VALUE)
    await expect(valueOf(vaultOf([]), 'stripe')).rejects.toMatchObject({ code: 'SECRET_KEY_MISSING' })
    expect(await vaultOf([]).list(OWNER)).toHaveLength(1)
    expect(await vaultOf([]).renewKeys()).toEqual({ renewed: 0, unreadable: 0 })
  })

  test('cannot be moved to another owner or name by whoever can write to the database', async () => {
    const vault = vaultOf()
    await vault.set(OWNER, 'stripe', VALUE)
    await database.pool.query('UPDATE secrets SET owner_id = $1', [STRANGER])
    await expect(valueOf(vault, 'stripe', STRANGER)).rejects.toMatchObject({ code: 'SECRET_DAMAGED' })
  })
})

describe('secrets of the environment', () => {
  const environment = { values: { apollo: 'apollo-key', stripe: 'from the environment' }, owners: [OWNER] }

  test('are there for the owners that are named, and for nobody else', async () => {
    const vault = vaultOf([OLD_KEY], { environment })
    expect(await valueOf(vault, 'apollo')).toBe('apollo-key')
    expect(await valueOf(vault, 'apollo', STRANGER)).toBeUndefined()
    expect(await vault.list(STRANGER)).toEqual([])
  })

  test('give way to a stored one of the same name, and apply again when that is deleted', async () => {
    const vault = vaultOf([OLD_KEY], { environment })
    await vault.set(OWNER, 'stripe', VALUE)
    expect(await valueOf(vault, 'stripe')).toBe(VALUE)
    expect(await vault.list(OWNER)).toEqual([
      { name: 'apollo', source: 'ENVIRONMENT', updatedAt: null },
      { name: 'stripe', source: 'STORED', updatedAt: expect.any(Date) },
    ])
    expect(await vault.delete(OWNER, 'stripe')).toBe(true)
    expect(await valueOf(vault, 'stripe')).toBe('from the environment')
    expect(await vault.delete(OWNER, 'stripe')).toBe(false)
  })

  test('are not used in place of a stored one that cannot be read', async () => {
    await vaultOf([OLD_KEY]).set(OWNER, 'stripe', VALUE)
    await expect(valueOf(vaultOf([NEW_KEY], { environment }), 'stripe')).rejects.toMatchObject({
      code: 'SECRET_KEY_UNKNOWN',
    })
  })
})

describe('a new key', () => {
  test('takes over all that was stored under older ones, of all owners, in pages', async () => {
    const owners = Array.from({ length: 3 }, (_, n) => ownerId(`owner-${n}`))
    for (const owner of owners) {
      for (let n = 0; n < 70; n++) await vaultOf().set(owner, `key${n}`, `${VALUE} ${owner} ${n}`)
    }
    const vault = vaultOf([NEW_KEY, OLD_KEY])
    await vault.set(OWNER, 'current', VALUE)
    expect(await valueOf(vault, 'key69', owners[2])).toBe(`${VALUE} owner-2 69`)
    expect(await vault.renewKeys()).toEqual({ renewed: 210, unreadable: 0 })
    expect(await vault.renewKeys()).toEqual({ renewed: 0, unreadable: 0 })
    const alone = vaultOf([NEW_KEY])
    expect(await valueOf(alone, 'key69', owners[2])).toBe(`${VALUE} owner-2 69`)
    expect(await valueOf(alone, 'current')).toBe(VALUE)
  })

  test('may be taken in by halves: all can be read, and the next start does the rest', async () => {
    for (let n = 0; n < 10; n++) await vaultOf().set(OWNER, `key${n}`, `${VALUE} ${n}`)
    let left = 4
    const failing: SecretStore = {
      ...store,
      replace: (...row) => (left-- > 0 ? store.replace(...row) : Promise.reject(new Error('killed'))),
    }
    await expect(vaultOf([NEW_KEY, OLD_KEY], { store: failing }).renewKeys()).rejects.toThrow('killed')
    const next = vaultOf([NEW_KEY, OLD_KEY])
    for (let n = 0; n < 10; n++) expect(await valueOf(next, `key${n}`)).toBe(`${VALUE} ${n}`)
    expect(await next.renewKeys()).toEqual({ renewed: 6, unreadable: 0 })
    for (let n = 0; n < 10; n++) expect(await valueOf(vaultOf([NEW_KEY]), `key${n}`)).toBe(`${VALUE} ${n}`)
  })

  test('leaves what it cannot read as it is, and counts it', async () => {
    await vaultOf([OLD_KEY]).set(OWNER, 'lost', VALUE)
    expect(await vaultOf([NEW_KEY]).renewKeys()).toEqual({ renewed: 0, unreadable: 1 })
    expect(await valueOf(vaultOf([OLD_KEY]), 'lost')).toBe(VALUE)
  })

  test('does not bring back a value that was replaced meanwhile', async () => {
    await vaultOf([OLD_KEY]).set(OWNER, 'stripe', 'the first value')
    const [before] = await store.find(OWNER, ['stripe'])
    if (!before) throw new Error('nothing was stored')
    await vaultOf([OLD_KEY]).set(OWNER, 'stripe', 'the second value')
    const sealed = new SecretCipher([NEW_KEY]).seal(before, 'the first value')
    expect(await store.replace(before, sealed)).toBe(false)
    expect(await valueOf(vaultOf([OLD_KEY]), 'stripe')).toBe('the second value')
  })

  test('may be taken in by many processes at once: each value is there and whole', async () => {
    for (let n = 0; n < 20; n++) await vaultOf().set(OWNER, `key${n}`, `${VALUE} ${n}`)
    const counts = await Promise.all(Array.from({ length: 5 }, () => vaultOf([NEW_KEY, OLD_KEY]).renewKeys()))
    expect(counts.reduce((sum, { renewed }) => sum + renewed, 0)).toBe(20)
    for (let n = 0; n < 20; n++) expect(await valueOf(vaultOf([NEW_KEY]), `key${n}`)).toBe(`${VALUE} ${n}`)
  })
})
