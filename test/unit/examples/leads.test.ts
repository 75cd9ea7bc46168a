import { readFileSync } from 'node:fs'
import { systemClock } from '../../../src/lib/time/clock.ts'
import { describe, expect, test } from '@jest/globals'
import { leadsText, type Lead } from '../../../examples/leads/make-leads.ts'
import { createExampleReceiver } from '../../../src/example-receiver/example-receiver.ts'

const text = readFileSync(new URL('../../../examples/leads/leads.json', import.meta.url), 'utf8')
const leads = JSON.parse(text) as Lead[]

describe('the sample leads', () => {
  test('are what the generator makes, byte for byte', () => {
    expect(leadsText()).toBe(text)
  })

  test('are a thousand, one a line', () => {
    expect(leads).toHaveLength(1_000)
    expect(text.split('\n')).toHaveLength(1_000 + 3)
    expect(new Set(leads.map((lead) => lead['id'])).size).toBe(1_000)
  })

  test.each<[mess: string, atLeast: number, has: (lead: Lead, row: number) => boolean]>([
    ['no e-mail at all', 20, (lead) => !('email' in lead)],
    ['null for an e-mail', 20, (lead) => lead['email'] === null],
    [
      'an e-mail that is none',
      30,
      (lead) => typeof lead['email'] === 'string' && !looksLikeEmail(lead['email']),
    ],
    [
      'an e-mail that is no text',
      2,
      (lead) => ['number', 'object'].includes(typeof lead['email']) && lead['email'] !== null,
    ],
    ['an e-mail in capitals', 20, (lead) => /^[^a-z]*[A-Z][^a-z]*$/.test(textOf(lead['email']))],
    ['white space around an e-mail', 15, (lead) => /^\s|\s$/.test(textOf(lead['email']))],
    ['the e-mail of an earlier row', 60, (lead, row) => addressOf(lead) !== '' && firstRowOf(lead) < row],
    ['the very text of an earlier row’s e-mail', 15, (lead, row) => isCopy(lead, row)],
    ['a missing field', 60, (lead) => !('score' in lead) || !('company' in lead) || !('title' in lead)],
    ['null for another field', 60, (lead) => without(lead, 'email').includes(null)],
    ['an empty text', 60, (lead) => without(lead, 'email').includes('')],
    ['a score as a number', 300, (lead) => typeof lead['score'] === 'number'],
    ['a score as text', 200, (lead) => typeof lead['score'] === 'string'],
    ['a score in white space', 5, (lead) => /^\s+\d+|\d\s+$/.test(textOf(lead['score']))],
    ['a score that is not available', 5, (lead) => /^n\/a$/i.test(textOf(lead['score']))],
    ['a number with a thousands separator', 60, (lead) => /^\d+,\d{3}$/.test(textOf(lead['employees']))],
    ['a combining mark', 10, (lead) => /\p{Mark}/u.test(JSON.stringify(lead))],
    ['right-to-left text', 10, (lead) => /[\u0590-\u06ff]/.test(JSON.stringify(lead))],
    ['an emoji', 10, (lead) => /\p{Extended_Pictographic}/u.test(JSON.stringify(lead))],
    ['an invisible character', 20, (lead) => /[\u00ad\u200b-\u200f\u2060\ufeff]/.test(JSON.stringify(lead))],
    ['full-width characters', 20, (lead) => /[\uff01-\uff5e]/.test(JSON.stringify(lead))],
    ['a long text', 8, (lead) => Object.values(lead).some((value) => textOf(value).length > 500)],
    [
      'a field that no other source has',
      40,
      (lead) => Object.keys(lead).some((key) => !USUAL_FIELDS.includes(key)),
    ],
  ])('have %s in at least %i rows', (_mess, atLeast, has) => {
    expect(leads.filter(has).length).toBeGreaterThanOrEqual(atLeast)
  })

  test('name no domain but those reserved for examples', () => {
    const domains = text.match(/(?<=@|\/\/)[a-z0-9.-]+\.[a-z]+/gi) ?? []
    expect(domains.length).toBeGreaterThan(1_000)
    expect(domains.filter((name) => !/(^|\.)(example|example\.(com|net|org))$/i.test(name))).toEqual([])
  })
})

describe('the example receiver', () => {
  test('takes a batch and says how many leads it holds', async () => {
    const receiver = createExampleReceiver()
    expect(await answerTo(receiver, batch('a', [{}, {}]))).toEqual([200, { accepted: 2, total: 2 }])
    expect(await answerTo(receiver, batch('b', [{}]))).toEqual([200, { accepted: 1, total: 3 }])
  })

  test('gives a repeated call the same answer, and counts the call but not the leads', async () => {
    const receiver = createExampleReceiver()
    await receiver.handle(batch('a', [{}, {}]))
    await receiver.handle(batch('b', [{}]))
    expect(await answerTo(receiver, batch('a', [{}, {}]))).toEqual([
      200,
      { accepted: 2, total: 2, duplicate: true },
    ])
    expect(await answerTo(receiver, at(''))).toMatchObject([
      200,
      {
        calls: 3,
        leads: 3,
        batches: [
          { key: 'a', calls: 2, leads: 2 },
          { key: 'b', calls: 1, leads: 1 },
        ],
      },
    ])
  })

  test('refuses a known key with another body, and keeps what it had', async () => {
    const receiver = createExampleReceiver()
    await receiver.handle(batch('a', [{}]))
    expect(await answerTo(receiver, batch('a', [{}, {}]))).toMatchObject([
      409,
      { code: 'IDEMPOTENCY_CONFLICT' },
    ])
    expect(await answerTo(receiver, at(''))).toMatchObject([200, { leads: 1, batches: [{ calls: 1 }] }])
  })

  test('forgets everything on DELETE', async () => {
    const receiver = createExampleReceiver()
    await receiver.handle(batch('a', [{}]))
    expect((await receiver.handle(at('', { method: 'DELETE' }))).status).toBe(204)
    expect(await answerTo(receiver, at(''))).toEqual([200, { calls: 0, batches: [], leads: 0 }])
  })

  test.each<[what: string, request: Request, status: number, code: string]>([
    ['no key', post('{"leads":[]}', {}), 400, 'IDEMPOTENCY_KEY_MISSING'],
    ['a very long key', batch('k'.repeat(256), []), 400, 'IDEMPOTENCY_KEY_TOO_LONG'],
    ['broken JSON', post('{"leads":['), 400, 'BAD_JSON'],
    ['bytes that are not UTF-8', post(new Uint8Array([0x22, 0xff, 0x22])), 400, 'BAD_JSON'],
    ['no leads', post('{"batch":1}'), 422, 'BAD_BATCH'],
    ['leads that are no objects', post('{"leads":[1]}'), 422, 'BAD_BATCH'],
    ['more than a mebibyte', batch('k', [{ text: 'x'.repeat(1024 * 1024) }]), 413, 'BODY_TOO_LARGE'],
    ['an endless delay', batch('k', [], '?delayMs=5001'), 400, 'BAD_DELAY'],
    ['a delay that is no number', batch('k', [], '?delayMs=soon'), 400, 'BAD_DELAY'],
    ['another method', at('/batches'), 405, 'METHOD_NOT_ALLOWED'],
    ['another path', at('/elsewhere'), 404, 'NOT_FOUND'],
  ])('refuses %s, and holds nothing of it', async (_what, request, status, code) => {
    const receiver = createExampleReceiver()
    const message = expect.any(String)
    expect(await answerTo(receiver, request)).toEqual([status, { code, message }])
    expect(await answerTo(receiver, at(''))).toEqual([200, { calls: 0, batches: [], leads: 0 }])
  })

  test('records a batch before it holds its answer back', async () => {
    let letAnswer = () => {}
    let delayStarted = (_ms: number) => {}
    const delay = new Promise<number>((resolve) => (delayStarted = resolve))
    const receiver = createExampleReceiver({
      ...systemClock,
      wait(ms) {
        delayStarted(ms)
        return new Promise((resolve) => (letAnswer = resolve))
      },
    })
    const answer = answerTo(receiver, batch('a', [{}], '?delayMs=5000'))
    expect(await delay).toBe(5_000)
    expect(await answerTo(receiver, at(''))).toMatchObject([200, { leads: 1 }])
    letAnswer()
    expect(await answer).toEqual([200, { accepted: 1, total: 1 }])
  })

  test('takes ten thousand keys and no more, yet still knows the old ones', async () => {
    const receiver = createExampleReceiver()
    for (let i = 0; i < 10_000; i++) await receiver.handle(batch(`key-${i}`, []))
    expect(await answerTo(receiver, batch('one more', []))).toMatchObject([507, { code: 'RECEIVER_FULL' }])
    expect(await answerTo(receiver, batch('key-0', []))).toMatchObject([200, { duplicate: true }])
  })
})

const USUAL_FIELDS = (
  'id name firstName lastName email company website title country employees score phone source createdAt message ' +
  'notes utm tags'
).split(' ')

const rowOfAddress = new Map<string, number>()
leads.forEach((lead, row) => {
  if (!rowOfAddress.has(addressOf(lead))) rowOfAddress.set(addressOf(lead), row)
})

function firstRowOf(lead: Lead): number {
  return rowOfAddress.get(addressOf(lead)) ?? Number.POSITIVE_INFINITY
}

function isCopy(lead: Lead, row: number): boolean {
  return addressOf(lead) !== '' && leads.slice(0, row).some((earlier) => earlier['email'] === lead['email'])
}

/** The e-mail as a mail server reads it; empty when it is none. */
function addressOf(lead: Lead): string {
  const address = textOf(lead['email']).trim().toLowerCase()
  return looksLikeEmail(address) ? address : ''
}

function looksLikeEmail(address: string): boolean {
  return /^[^\s@<>,:()]+@[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(address.trim())
}

function without(lead: Lead, field: string): unknown[] {
  return Object.entries(lead).flatMap(([key, value]) => (key === field ? [] : [value]))
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function at(path: string, init?: RequestInit): Request {
  return new Request(`http://127.0.0.1:4000/examples/receiver${path}`, init)
}

function post(
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = { 'idempotency-key': 'k' },
  query = '',
) {
  return at(`/batches${query}`, { method: 'POST', headers, body })
}

function batch(key: string, items: readonly object[], query = ''): Request {
  return post(JSON.stringify({ batch: 0, leads: items }), { 'idempotency-key': key }, query)
}

async function answerTo(
  receiver: ReturnType<typeof createExampleReceiver>,
  request: Request,
): Promise<[number, unknown]> {
  const response = await receiver.handle(request)
  return [response.status, await response.json()]
}
