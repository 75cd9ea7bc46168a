import type { Json } from '../../lib/json/index.ts'

/** The JSON value in a model's answer, which may stand in a code fence or between words; undefined: there is none. */
export function readJson(text: string): Json | undefined {
  const fenced = /```(?:json)?\s*\n([\s\S]*?)\n\s*```/i.exec(text)?.[1]
  const starts = ['{', '['].map((mark) => text.indexOf(mark)).filter((index) => index >= 0)
  const end = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']'))
  const between = starts.length > 0 ? text.slice(Math.min(...starts), end + 1) : undefined
  for (const candidate of [text, fenced, between]) {
    const value = candidate === undefined ? undefined : parsed(candidate)
    if (value !== undefined) return value
  }
  return undefined
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}
