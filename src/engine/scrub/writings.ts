import { NEEDLE_MIN_LENGTH } from './needles.ts'

/** How often a text may have been put into JSON as a string by others, before Lume itself does so to record it. */
const JSON_LEVELS = 2

/**
 * The ways in which a secret value may stand in a text: as it is, as a URL, base64 or hex writes it, and each of these
 * put into JSON up to three times. Those under the least length are left out.
 */
export function writingsOf(value: string): ReadonlySet<string> {
  // Half a surrogate pair has no bytes; what stands for it is what every encoder writes.
  const whole = value.toWellFormed()
  const plain = [
    value,
    value.trim(),
    ...urlForms(whole),
    ...base64Forms(whole),
    ...hexForms(whole),
    ...numberForms(value),
  ]
  let writings = new Set(plain.filter((text) => text.length >= NEEDLE_MIN_LENGTH))
  for (let level = 0; level < JSON_LEVELS; level++) {
    writings = new Set([...writings, ...[...writings].flatMap(jsonForms)])
  }
  return new Set([...writings, ...[...writings].map(inJson)])
}

/** Path and query component, form field, and whole URL; with capital and with small hex digits. */
function urlForms(value: string): string[] {
  const form = new URLSearchParams({ v: value }).toString().slice('v='.length)
  const forms = [encodeURIComponent(value), form, form.replaceAll('+', '%20'), encodeURI(value)]
  return forms.flatMap((text) => [text, text.replaceAll(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase())])
}

/**
 * Base64 of whatever holds the value, such as `user:value`: by where the value begins in a group of three bytes there
 * are three ways to write it, of which the characters are taken that no neighbour has a part in.
 */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value)
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    const own = text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')]
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

/** As JavaScript writes JSON, as PHP does (slashes escaped), and as those who keep to ASCII do. */
function jsonForms(text: string): string[] {
  const json = inJson(text)
  const withSlashes = json.replaceAll('/', '\\/')
  return [json, withSlashes].flatMap((form) => [
    form,
    inAscii(form),
    inAscii(form).replaceAll(/\\u[0-9a-f]{4}/g, (code) => `\\u${code.slice(2).toUpperCase()}`),
  ])
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

function inAscii(text: string): string {
  return text.replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
