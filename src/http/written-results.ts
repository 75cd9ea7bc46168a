import { randomUUID } from 'node:crypto'
import type { FormattedExecutionResult } from 'graphql'
import { stringifyWithTexts } from '../lib/json/index.ts'

/** No client knows it. */
const MARK = randomUUID()
const MARKED = new RegExp(`"${MARK} (\\d+)"`)

/** The texts of results that several subscribers share, by their data. */
const sharedTexts = new WeakMap<object, string>()

function textOf(result: FormattedExecutionResult): string {
  const { data, errors, extensions } = result
  if (!data || errors || extensions) return stringifyWithTexts(result)
  const text = sharedTexts.get(data) ?? stringifyWithTexts(result)
  sharedTexts.set(data, text)
  return text
}

/**
 * The results of one WebSocket on their way through graphql-ws, which serialises its messages itself: a mark takes the
 * place of a result that is written already.
 */
export class WrittenResults {
  readonly #texts = new Map<string, string>()
  #count = 0

  /** Writes a result; returns what stands for it in a message. */
  add(result: FormattedExecutionResult): FormattedExecutionResult {
    const number = String(++this.#count)
    this.#texts.set(number, textOf(result))
    const mark: FormattedExecutionResult & { readonly toJSON: () => string } = {
      toJSON: () => `${MARK} ${number}`,
    }
    return mark
  }

  /** A message with its result in place of the mark. */
  fill(message: string): string {
    const match = this.#texts.size === 0 ? null : MARKED.exec(message)
    if (!match) return message
    const [mark, number = ''] = match
    const text = this.#texts.get(number) ?? 'null'
    this.#texts.delete(number)
    return message.slice(0, match.index) + text + message.slice(match.index + mark.length)
  }
}
