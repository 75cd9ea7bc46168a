import type { Pieces } from '../../lib/turns/index.ts'
import { NEEDLE_MIN_LENGTH } from './needles.ts'

/**
 * The ways in which a secret value may stand in a text: as it is, as a URL, base64 or hex writes it, and each of these
 * put into JSON once or twice. Those under the least length are left out. They are made in pieces: a long value has hundreds of them,
 * each several times as long.
 */
export function* writingsPieces(value: string): Pieces<ReadonlySet<string>> {
  // Half a surrogate pair has no bytes; what stands for it is what every encoder writes.
  const whole = value.toWellFormed()
  const plain = [
    value,
    value.trim(),
    // As the host of a URL is written.
    whole.toLowerCase(),
    ...urlForms(whole),
    ...base64Forms(whole),
    ...hexForms(whole),
    ...numberForms(value),
  ].filter((text) => text.length >= NEEDLE_MIN_LENGTH)
  const written = new Set(plain)
  for (const write of JSON_WRITERS) {
    for (const text of plain) {
      yield
      const once = write(text)
      written.add(once).add(write(once))
    }
  }
  return written
}

/** Path and query component, form field, and whole URL, each also as a part of another URL; hex digits of both cases. */
function urlForms(value: string): string[] {
  const form = new URLSearchParams({ v: value }).toString().slice('v='.length)
  const forms = [encodeURIComponent(value), form, form.replaceAll('+', '%20'), encodeURI(value)]
  return [...forms, ...forms.map(encodeURIComponent)].flatMap((text) => [
    text,
    text.replaceAll(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase()),
  ])
}

/**
 * Base64 of whatever holds the value, such as `user:value`: by where the value begins in a group of three bytes there
 * are three ways to write it, of which the characters are taken that no neighbour has a part in. In a URL, too.
 */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value)
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    const own = text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
    return [own, own.replaceAll('+', '-').replaceAll('/', '_'), encodeURIComponent(own)]
  })
}

function hexForms(value: string): string[] {
  const hex = Buffer.from(value).toString('hex')
  return [hex, hex.toUpperCase()]
}

/** What is left of a value of digits that was read as a number. */
function numberForms(value: string): string[] {
  return /^-?\d+(\.\d+)?$/.test(value) ? [String(Number(value))] : []
}

/** As JavaScript writes JSON, PHP (slashes escaped), Go (what HTML would read escaped), and those who keep to ASCII. */
const JSON_WRITERS: readonly ((text: string) => string)[] = [
  inJson,
  (text) => inJson(text).replaceAll('/', '\\/'),
  (text) => inJson(text).replaceAll(/[&<>]/g, escaped),
  (text) => inJson(text).replaceAll(/[\u007f-\uffff]/g, escaped),
  (text) => inJson(text).replaceAll(/[\u007f-\uffff]/g, escapedInCapitals),
  // PHP’s default: both slashes and whatever is not ASCII.
  (text) =>
    inJson(text)
      .replaceAll('/', '\\/')
      .replaceAll(/[\u007f-\uffff]/g, escaped),
]

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function escapedInCapitals(unit: string): string {
  return `\\u${escaped(unit).slice(2).toUpperCase()}`
}
