/** The same JSON text without line breaks: one outside of a string would end an event of a stream. */
export function onOneLine(text: string): string {
  return text.includes('\n') || text.includes('\r') ? JSON.stringify(JSON.parse(text)) : text
}
