const inJson = (text: string) => JSON.stringify(text).slice(1, -1)
const inAscii = (text: string) =>
  text.replaceAll(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Ways in which a text may stand in another one; written without the code that looks for them. */
export const ENCODERS: Readonly<Record<string, (text: string) => string>> = {
  raw: (text) => text,
  'JSON-escaped': inJson,
  'JSON-escaped twice': (text) => inJson(inJson(text)),
  'JSON-escaped to ASCII': (text) => inAscii(inJson(text)),
  'JSON-escaped with slashes': (text) => inJson(text).replaceAll('/', '\\/'),
  'JSON-escaped for HTML': (text) =>
    inJson(text).replaceAll('&', '\\u0026').replaceAll('<', '\\u003c').replaceAll('>', '\\u003e'),
  'URL-encoded': encodeURIComponent,
  'URL-encoded twice': (text) => encodeURIComponent(encodeURIComponent(text)),
  'URL-encoded in small letters': (text) =>
    encodeURIComponent(text).replaceAll(/%../g, (byte) => byte.toLowerCase()),
  'URL-encoded as a form field': (text) => new URLSearchParams([['', text]]).toString().slice(1),
  'URL-encoded as a whole': encodeURI,
  hex: (text) => Buffer.from(text).toString('hex'),
  'hex in capitals': (text) => Buffer.from(text).toString('hex').toUpperCase(),
}

/** The names of the ways, base64 at any place included, in which a text holds a value. */
export function writingsIn(text: string, value: string): readonly string[] {
  const plain = Object.entries(ENCODERS).filter(([, encode]) => text.includes(encode(value)))
  const base64 = (['base64', 'base64url'] as const).filter((form) =>
    [0, 1, 2].some((before) => {
      const encoded = Buffer.from('-'.repeat(before) + value).toString(form)
      // The characters at either end may have a part of a neighbour.
      return text.includes(encoded.slice(4, -4))
    }),
  )
  return [...plain.map(([name]) => name), ...base64]
}
