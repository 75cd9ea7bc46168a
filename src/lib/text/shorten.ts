/**
 * A text of at most so many UTF-16 units and, where it was longer, an ellipsis. Cut between characters, without what no
 * database stores. Whoever cuts a text that others wrote cuts it here: by the ellipsis the scrubber knows where a secret may
 * have lost its end (P7).
 */
export function shorten(text: string, maxLength: number): string {
  const clean = text.replaceAll('\u0000', '\uFFFD').toWellFormed()
  if (clean.length <= maxLength) return clean
  const end = clean.slice(0, maxLength)
  return `${end.isWellFormed() ? end : end.slice(0, -1)}…`
}
