import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { hashOf } from '../../src/access/key-text.ts'
import { createApiKeyStore, type ApiKeyStore, type NewApiKeyRow } from '../../src/db/stores/api-key-store.ts'
import { newId, ownerId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const NOW = new Date('2027-01-01T00:00:00Z')
const later = (ms: number) => new Date(NOW.getTime() + ms)
const acme = ownerId('acme')

let database: TestDatabase
let store: ApiKeyStore
beforeAll(async () => {
  database = await createTestDatabase()
  store = createApiKeyStore(database.pool)
})
afterAll(() => database.drop())

async function insert(fields: Partial<NewApiKeyRow> = {}): Promise<NewApiKeyRow> {
  const id = newId()
  const key = {
    id,
    ownerId: acme,
    name: 'a key',
    prefix: 'lume_abcdef',
    hash: hashOf(id),
    role: 'EDITOR',
    createdAt: NOW,
    expiresAt: null,
    ...fields,
  }
  await store.insert(key)
  return key
}

describe('a key', () => {
  test('is found by its hash until it expires, to the millisecond', async () => {
    const { id, hash } = await insert({ expiresAt: later(1_000) })
    expect(await store.findLive(hash, later(999))).toEqual({
      id,
      ownerId: 'acme',
      name: 'a key',
      role: 'EDITOR',
      expiresAt: later(1_000),
      lastUsedAt: null,
    })
    expect(await store.findLive(hash, later(1_000))).toBeNull()
    expect(await store.findLive(hashOf('another'), NOW)).toBeNull()
  })

  test('is revoked by its owner alone, and stays revoked since the first time', async () => {
    const { id, hash } = await insert()
    expect(await store.revoke(ownerId('globex'), id, NOW)).toBe(false)
    expect(await store.revokedAmong([id])).toEqual([])
    expect(await store.revoke(acme, id, later(1))).toBe(true)
    expect(await store.revoke(acme, id, later(2))).toBe(true)
    expect(await store.findLive(hash, later(2))).toBeNull()
    const { rows } = await database.pool.query('SELECT revoked_at FROM api_keys WHERE id = $1', [id])
    expect(rows).toEqual([{ revoked_at: later(1) }])
  })

  test('is among the revoked when it is not there at all', async () => {
    const [{ id: live }, { id: revoked }, never] = [await insert(), await insert(), newId()]
    await store.revoke(acme, revoked, NOW)
    expect(new Set(await store.revokedAmong([live, revoked, never]))).toEqual(new Set([revoked, never]))
    expect(await store.revokedAmong([])).toEqual([])
  })

  test('notes its use once in a while, however many note it at once', async () => {
    const { id } = await insert()
    const note = (atMs: number) => store.noteUse(id, { at: later(atMs), since: later(atMs - 60_000) })
    const lastUse = async () =>
      (await database.pool.query('SELECT last_used_at, xmin::text FROM api_keys WHERE id = $1', [id])).rows[0]
    await Promise.all([note(0), note(0), note(0)])
    const first = await lastUse()
    expect(first).toMatchObject({ last_used_at: NOW })
    await note(59_999)
    expect(await lastUse()).toEqual(first) // the very same version of the row
    await note(60_000)
    expect(await lastUse()).toMatchObject({ last_used_at: later(60_000) })
  })
})

test.each<[string, Partial<NewApiKeyRow>, string]>([
  ['an unknown role', { role: 'ROOT' }, 'api_keys_role_check'],
  ['a key in clear', { hash: 'lume_'.padEnd(64, 'x') }, 'api_keys_hash_check'],
  ['an end before its beginning', { expiresAt: NOW }, 'api_keys_expires_check'],
])('the table itself refuses %s', async (_what, fields, constraint) => {
  await expect(insert(fields)).rejects.toMatchObject({ constraint })
})

test('the table itself refuses two keys with one hash', async () => {
  const { hash } = await insert()
  await expect(insert({ hash })).rejects.toMatchObject({ constraint: 'api_keys_hash_key' })
})
