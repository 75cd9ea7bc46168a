import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import {
  ISSUER_MAX_RETRY_MS,
  KEYS_COOLDOWN_MS,
  KEYS_MAX_AGE_MS,
  KEYS_REFRESH_MS,
} from '../../../src/access/issuer-keys.ts'
import { createJwtVerifier, type JwtSettings } from '../../../src/access/jwt.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { startTokenIssuer, type TokenIssuer } from '../../support/token-issuer.ts'

let clock: ManualClock
let issuer: TokenIssuer
let verify: ReturnType<typeof createJwtVerifier>
beforeEach(async () => {
  clock = new ManualClock()
  issuer = await startTokenIssuer()
  const settings: JwtSettings = {
    key: { kind: 'jwks', url: issuer.url },
    issuer: 'https://issuer.example',
    audience: 'lume',
    ownerClaim: 'sub',
    roleClaim: 'lume_role',
    defaultRole: 'VIEWER',
  }
  verify = createJwtVerifier(settings, clock)
})
afterEach(() => issuer.close())

const sign = (by = issuer) =>
  by.sign({ iss: 'https://issuer.example', aud: 'lume', sub: 'ada', exp: clock.now() / 1000 + 90_000 * 10 })
const UNAVAILABLE = { code: 'AUTHENTICATION_UNAVAILABLE' }

describe('while the issuer fails', () => {
  test('three hundred tokens cost one question, and the next one comes later each time', async () => {
    issuer.answerWith({ status: 500 })
    const token = await sign()
    const many = () =>
      Promise.all(Array.from({ length: 300 }, () => expect(verify(token)).rejects.toMatchObject(UNAVAILABLE)))
    await many()
    expect(issuer.asked).toBe(1)
    const askedAt: number[] = []
    for (let second = 1; second <= 63; second++) {
      await clock.advance(1_000)
      const before = issuer.asked
      await many()
      if (issuer.asked > before) askedAt.push(second)
    }
    expect(askedAt).toEqual([1, 3, 7, 15, 31, 63])
    issuer.answerWith(null)
    await clock.advance(ISSUER_MAX_RETRY_MS)
    expect(await verify(token)).toMatchObject({ ownerId: 'ada' })
  })

  test('tokens of known keys stay good for a day, and tokens of unknown keys cannot be judged', async () => {
    expect(await verify(await sign())).not.toBeNull()
    issuer.answerWith({ status: 500 })
    await clock.advance(KEYS_REFRESH_MS)
    expect(await verify(await sign())).not.toBeNull()
    const known = await sign()
    await issuer.rotate()
    await clock.advance(ISSUER_MAX_RETRY_MS)
    await expect(verify(await sign())).rejects.toMatchObject(UNAVAILABLE)
    expect(await verify(known)).not.toBeNull()
    await clock.advance(KEYS_MAX_AGE_MS)
    await expect(verify(known)).rejects.toMatchObject(UNAVAILABLE)
  })
})

describe('while the issuer answers', () => {
  test('its keys are read again when they are old, and once for a key that is new', async () => {
    expect(await verify(await sign())).not.toBeNull()
    await clock.advance(KEYS_REFRESH_MS)
    expect(await verify(await sign())).not.toBeNull()
    expect(issuer.asked).toBe(2)
    await issuer.rotate()
    const rotated = await sign()
    expect(await verify(rotated)).toBeNull()
    await clock.advance(KEYS_COOLDOWN_MS)
    expect(await verify(rotated)).not.toBeNull()
    expect(issuer.asked).toBe(3)
  })

  test('forged tokens with keys of their own cause one reading in half a minute', async () => {
    expect(await verify(await sign())).not.toBeNull()
    const forger = await startTokenIssuer()
    for (let forged = 0; forged < 3; forged++) await forger.rotate()
    await clock.advance(KEYS_COOLDOWN_MS)
    const token = await sign(forger)
    for (let sent = 0; sent < 100; sent++) expect(await verify(token)).toBeNull()
    expect(issuer.asked).toBe(2)
    await forger.close()
  })
})
