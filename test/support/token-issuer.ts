import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type JWTPayload } from 'jose'

/** Somebody who signs tokens and publishes the public keys for them. */
export interface TokenIssuer {
  readonly url: string
  /** The current public key, as a shared secret would be written by somebody who confuses the two. */
  readonly publicKeyText: string
  /** How often the keys were asked for. */
  readonly asked: number
  sign(claims: JWTPayload): Promise<string>
  /** Signs with another key from now on, and publishes that one alone. */
  rotate(): Promise<void>
  /** What is answered from now on, in place of the keys. */
  answerWith(
    answer: { readonly status: number; readonly location?: string; readonly body?: string } | null,
  ): void
  close(): Promise<void>
}

const ALGORITHM = 'ES256'

export async function startTokenIssuer(): Promise<TokenIssuer> {
  let keyId = 0
  let pair = await generateKeyPair(ALGORITHM, { extractable: true })
  let instead: Parameters<TokenIssuer['answerWith']>[0] = null
  let asked = 0
  let publicKeyText = await exportSPKI(pair.publicKey)
  const server = createServer((_req, res) => {
    asked++
    void (async () => {
      if (instead) {
        res.writeHead(instead.status, instead.location ? { location: instead.location } : {})
        return res.end(instead.body ?? '')
      }
      const key = { ...(await exportJWK(pair.publicKey)), kid: `key-${keyId}`, alg: ALGORITHM, use: 'sig' }
      return res.end(JSON.stringify({ keys: [key] }))
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
    get publicKeyText() {
      return publicKeyText
    },
    get asked() {
      return asked
    },
    sign: (claims) =>
      new SignJWT(claims).setProtectedHeader({ alg: ALGORITHM, kid: `key-${keyId}` }).sign(pair.privateKey),
    async rotate() {
      pair = await generateKeyPair(ALGORITHM, { extractable: true })
      publicKeyText = await exportSPKI(pair.publicKey)
      keyId++
    },
    answerWith(answer) {
      instead = answer
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A token signed with a secret that both sides know. */
export function signWithSecret(secret: string, claims: JWTPayload, algorithm = 'HS256'): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: algorithm }).sign(new TextEncoder().encode(secret))
}

/** A token without a signature, for servers that believe its header. */
export function unsigned(claims: JWTPayload): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`
}
