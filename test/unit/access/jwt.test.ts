import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createJwtVerifier, type JwtSettings } from '../../../src/access/jwt.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { signWithSecret, startTokenIssuer, unsigned, type TokenIssuer } from '../../support/token-issuer.ts'

const SECRET = 'a secret of 32 characters or more'
const clock = new ManualClock()
const NOW_S = clock.now() / 1000

const settings: JwtSettings = {
  key: { kind: 'secret', secret: SECRET },
  issuer: 'https://issuer.example',
  audience: 'lume',
  ownerClaim: 'sub',
  roleClaim: 'lume_role',
  defaultRole: 'VIEWER',
}
const CLAIMS = { iss: 'https://issuer.example', aud: 'lume', sub: 'ada', exp: NOW_S + 60 }

describe('a token signed with the shared secret', () => {
  const verify = createJwtVerifier(settings, clock)

  test('says who its bearer is, with the least role when it names none', async () => {
    expect(await verify(await signWithSecret(SECRET, CLAIMS))).toEqual({
      ownerId: 'ada',
      role: 'VIEWER',
      name: 'ada',
      credentialId: 'jwt ["ada","ada"]',
      authentication: 'JWT',
      expiresAt: (NOW_S + 65) * 1000,
    })
  })

  test.each(['HS256', 'HS384', 'HS512'])('is good under %s', async (algorithm) => {
    const secret = SECRET.repeat(2)
    const own = createJwtVerifier({ ...settings, key: { kind: 'secret', secret } }, clock)
    expect(await own(await signWithSecret(secret, CLAIMS, algorithm))).not.toBeNull()
  })

  test.each([
    ['an audience among several', { aud: ['other', 'lume'] }],
    ['an expiry that has passed within the tolerance', { exp: NOW_S - 4 }],
    ['a role in small letters', { lume_role: 'admin' }],
  ])('is good with %s', async (_what, claims) => {
    expect(await verify(await signWithSecret(SECRET, { ...CLAIMS, ...claims }))).not.toBeNull()
  })

  test.each<[string, object]>([
    ['has expired', { exp: NOW_S - 6 }],
    ['never expires', { exp: undefined }],
    ['is not valid yet', { nbf: NOW_S + 60 }],
    ['comes from another issuer', { iss: 'https://evil.example' }],
    ['names no issuer', { iss: undefined }],
    ['is meant for somebody else', { aud: 'other' }],
    ['is meant for nobody', { aud: undefined }],
    ['names no owner', { sub: undefined }],
    ['names an empty owner', { sub: '' }],
    ['names an owner that cannot be stored', { sub: 'a\u0000b' }],
    ['names an owner of a kilometre', { sub: 'x'.repeat(201) }],
    ['names an owner that is no text', { sub: 7 }],
    ['names a role that does not exist', { lume_role: 'ROOT' }],
    ['names a role that is no text', { lume_role: ['ADMIN'] }],
  ])('is refused when it %s', async (_what, claims) => {
    expect(await verify(await signWithSecret(SECRET, { ...CLAIMS, ...claims }))).toBeNull()
  })

  test('is refused with another secret, without a signature, changed, or not a token at all', async () => {
    const token = await signWithSecret(SECRET, CLAIMS)
    const [header, , signature] = token.split('.')
    const payload = Buffer.from(JSON.stringify({ ...CLAIMS, lume_role: 'ADMIN' })).toString('base64url')
    for (const forged of [
      await signWithSecret(`${SECRET}!`, CLAIMS),
      unsigned(CLAIMS),
      `${header}.${payload}.${signature}`,
      `${token}x`,
      '..',
      'a.b.c',
      '',
    ]) {
      expect([forged, await verify(forged)]).toEqual([forged, null])
    }
  })

  test.each([
    ['tenant', { tenant: 'acme' }],
    ['app.tenant', { app: { tenant: 'acme' } }],
    ['https://lume.example/tenant', { 'https://lume.example/tenant': 'acme' }],
    ['app.tenant', { 'app.tenant': 'acme', app: { tenant: 'other' } }],
  ])('may name its owner in the claim %s', async (ownerClaim, claims) => {
    const own = createJwtVerifier({ ...settings, ownerClaim }, clock)
    const viewer = await own(await signWithSecret(SECRET, { ...CLAIMS, ...claims }))
    expect(viewer).toMatchObject({ ownerId: 'acme', name: 'ada' })
  })

  test.each(['constructor', '__proto__', 'toString', 'sub.length'])(
    'has no owner in the claim %s',
    async (ownerClaim) => {
      const own = createJwtVerifier({ ...settings, ownerClaim }, clock)
      expect(await own(await signWithSecret(SECRET, CLAIMS))).toBeNull()
    },
  )
})

describe('a token of an issuer that publishes its keys', () => {
  let issuer: TokenIssuer
  beforeAll(async () => {
    issuer = await startTokenIssuer()
  })
  afterAll(() => issuer.close())

  const verifier = (url = issuer.url) => createJwtVerifier({ ...settings, key: { kind: 'jwks', url } }, clock)

  test('is good, and the keys are read once', async () => {
    const verify = verifier()
    const before = issuer.asked
    for (let i = 0; i < 3; i++)
      expect(await verify(await issuer.sign(CLAIMS))).toMatchObject({ ownerId: 'ada' })
    expect(issuer.asked - before).toBe(1)
  })

  test('is refused when a shared secret signed it, be that the public key itself', async () => {
    const verify = verifier()
    expect(await verify(await signWithSecret(issuer.publicKeyText, CLAIMS))).toBeNull()
    expect(await verify(unsigned(CLAIMS))).toBeNull()
  })

  test('is refused when its key is not published any more', async () => {
    const old = await issuer.sign(CLAIMS)
    await issuer.rotate()
    const verify = verifier()
    expect(await verify(old)).toBeNull()
    expect(await verify(await issuer.sign(CLAIMS))).not.toBeNull()
  })

  test.each([
    ['fails', { status: 500 }],
    ['answers what is no JSON', { status: 200, body: 'hello' }],
    ['answers what are no keys', { status: 200, body: '{"keys":5}' }],
  ])('cannot be judged while the issuer %s', async (_what, answer) => {
    issuer.answerWith(answer)
    await expect(verifier()(await issuer.sign(CLAIMS))).rejects.toMatchObject({
      code: 'AUTHENTICATION_UNAVAILABLE',
    })
    issuer.answerWith(null)
  })

  test('is not judged by keys from elsewhere: no redirect is followed', async () => {
    const other = await startTokenIssuer()
    issuer.answerWith({ status: 302, location: other.url })
    await expect(verifier()(await other.sign(CLAIMS))).rejects.toMatchObject({
      code: 'AUTHENTICATION_UNAVAILABLE',
    })
    expect(other.asked).toBe(0)
    issuer.answerWith(null)
    await other.close()
  })
})
