import { isJsonObject, toPlainJson } from '../../lib/json/index.ts'
import type { BlockOutcome, SignalWait } from './block.ts'

type Fields = { readonly [name: string]: unknown }

/**
 * Reads what a block returned, each field once: a getter of the block's may throw, or answer differently the next time.
 * Returns null for what is no outcome. Throws what a getter throws.
 */
export function readOutcome(value: unknown): BlockOutcome | null {
  if (!isObject(value)) return null
  const { kind } = value
  if (kind === 'completed') return readCompleted(value)
  return kind === 'waiting' ? readWaiting(value) : null
}

function readCompleted({ output, handles }: Fields): BlockOutcome | null {
  if (handles === undefined) return { kind: 'completed', output }
  const names = readTexts(handles)
  return names && { kind: 'completed', output, handles: names }
}

function readWaiting(value: Fields): BlockOutcome | null {
  if ('signal' in value) {
    const signal = readSignalWait(value.signal)
    return signal && { kind: 'waiting', signal }
  }
  if ('child' in value) {
    const { child } = value
    return typeof child === 'string' ? { kind: 'waiting', child } : null
  }
  const { until, output } = value
  return isInstant(until) ? { kind: 'waiting', until, output } : null
}

function readSignalWait(value: unknown): SignalWait | null {
  if (!isObject(value)) return null
  const { name, schema: given, timeoutMs, timeoutHandle = null } = value
  const schema = readSchema(given)
  if (typeof name !== 'string' || schema === undefined) return null
  if (timeoutMs !== null && !(typeof timeoutMs === 'number' && timeoutMs >= 0)) return null
  if (timeoutHandle !== null && typeof timeoutHandle !== 'string') return null
  return { name, schema, timeoutMs, timeoutHandle }
}

/** Undefined for what can be no JSON Schema. */
function readSchema(value: unknown): SignalWait['schema'] | undefined {
  const plain = toPlainJson(value ?? null)
  if (!plain.ok) return undefined
  const schema = plain.value
  return schema === null || typeof schema === 'boolean' || isJsonObject(schema) ? schema : undefined
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}

/** Within the range of dates: an instant is shown as one. */
function isInstant(value: unknown): value is number {
  return typeof value === 'number' && !Number.isNaN(new Date(value).getTime())
}

function readTexts(value: unknown): readonly string[] | null {
  if (!Array.isArray(value)) return null
  const texts = [...(value as readonly unknown[])]
  return texts.every((item) => typeof item === 'string') ? texts : null
}
