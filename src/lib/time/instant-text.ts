let lastMs = Number.NaN
let lastText = ''

/** An instant as text in ISO 8601, in UTC. The last text is kept: what one step records often has one instant, and so have steps of several runs. */
export function instantText(ms: number): string {
  if (ms !== lastMs) {
    lastText = new Date(ms).toISOString()
    lastMs = ms
  }
  return lastText
}
