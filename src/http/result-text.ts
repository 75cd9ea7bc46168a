import type { FormattedExecutionResult } from 'graphql'
import { stringifyWithTexts } from '../lib/json/index.ts'

/** The texts of results that several subscribers share, by their data. */
const sharedTexts = new WeakMap<object, string>()

/** A result as JSON text, which is written once for all subscribers that share its data. */
export function resultText(result: FormattedExecutionResult): string {
  const { data, errors, extensions } = result
  if (!data || errors || extensions) return stringifyWithTexts(result)
  const text = sharedTexts.get(data) ?? stringifyWithTexts(result)
  sharedTexts.set(data, text)
  return text
}
