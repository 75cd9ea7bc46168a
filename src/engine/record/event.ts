import { z } from 'zod'
import type { Json, JsonObject } from '../../lib/json/index.ts'
import { LOG_LEVELS } from '../block/index.ts'
import { WAIT_KINDS } from './step.ts'

const error = z.looseObject({ code: z.string(), message: z.string(), path: z.string().optional() })
const step = { path: z.string(), nodeId: z.string(), attempt: z.int() }
const instant = z.iso.datetime()
const json: z.ZodType<Json> = z.json()
const usage = z.object({
  costUsd: z.number().optional(),
  quantities: z.record(z.string(), z.number()).optional(),
})

/** The facts of each kind of event beside its number, time and progress. The wire format of timelines: fields only grow. */
export const eventBodySchemas = {
  JOB_QUEUED: z.object({}),
  JOB_STARTED: z.object({}),
  /** A worker was lost and another one goes on. */
  JOB_RECOVERED: z.object({ recoveries: z.int() }),
  /** Only waits are left: no worker is held until `until`. */
  JOB_WAITING: z.object({ until: instant.nullable() }),
  /** Asked to pause, and nothing runs any more. */
  JOB_PAUSED: z.object({}),
  JOB_RESUMED: z.object({}),
  JOB_PROGRESS: z.object({ message: z.string().nullable() }),
  JOB_CANCELING: z.object({}),
  JOB_COMPLETED: z.object({}),
  JOB_FAILED: z.object({ error }),
  JOB_CANCELED: z.object({}),
  STEP_STARTED: z.object(step),
  STEP_COMPLETED: z.object({
    ...step,
    handles: z.array(z.string()),
    durationMs: z.number(),
    usage: usage.optional(),
    /** True when the step was not run: its output is that of an earlier execution. */
    reused: z.boolean().optional(),
  }),
  /** `handledBy` says what the failure leads to: the node's `onError`. */
  STEP_FAILED: z.object({
    ...step,
    error,
    handledBy: z.enum(['fail', 'continue', 'route']),
    usage: usage.optional(),
  }),
  STEP_RETRYING: z.object({ ...step, error, nextAttemptAt: instant, usage: usage.optional() }),
  /** `until`: when a timer ends, or the time for a signal is over; null: there is no such time. */
  STEP_WAITING: z.object({
    ...step,
    waitsFor: z.enum(WAIT_KINDS).default('timer'),
    until: instant.nullable(),
    signal: z.string().optional(),
    childId: z.string().optional(),
  }),
  /** A line that a block wrote. */
  STEP_LOG: z.object({ ...step, level: z.enum(LOG_LEVELS), message: z.string(), fields: json.optional() }),
  /** What a block says that it is at; `fraction` is its own, from 0 to 1. */
  STEP_PROGRESS: z.object({ ...step, fraction: z.number(), message: z.string().nullable() }),
  /** A piece of the text that a block hands out as it comes; told only to those who ask for this kind. */
  STEP_STREAM: z.object({ ...step, text: z.string() }),
  /** A wait took this signal. */
  SIGNAL_RECEIVED: z.object({ ...step, signal: z.string() }),
  /** A signal that came before its wait was known did not fit the wait's schema. */
  SIGNAL_DISCARDED: z.object({ ...step, signal: z.string(), problems: z.array(z.string()) }),
  STEP_SKIPPED: z.object(step),
  STEP_CANCELED: z.object({ ...step, callMayHaveHappened: z.boolean() }),
  LOOP_ITEM_COMPLETED: z.object({
    path: z.string(),
    nodeId: z.string(),
    index: z.int(),
    /** True when the item was not run: its output is that of an earlier execution. */
    reused: z.boolean().optional(),
  }),
  LOOP_ITEM_FAILED: z.object({ path: z.string(), nodeId: z.string(), index: z.int(), error }),
} as const

export type EventKind = keyof typeof eventBodySchemas
export const EVENT_KINDS = Object.keys(eventBodySchemas) as readonly EventKind[]
export type EventBody<Kind extends EventKind> = z.output<(typeof eventBodySchemas)[Kind]>

/** The kinds after which nothing more happens to a job. */
export const TERMINAL_EVENT_KINDS = [
  'JOB_COMPLETED',
  'JOB_FAILED',
  'JOB_CANCELED',
] as const satisfies EventKind[]

/** Kinds that a timeline shows only to those who ask for them by name: they are many, and the record holds what they lead to. */
export const QUIET_EVENT_KINDS = ['STEP_STREAM'] as const satisfies EventKind[]

/** One fact before the journal has numbered it. */
export type EventDraft = {
  readonly [Kind in EventKind]: { readonly kind: Kind; readonly at: number; readonly body: EventBody<Kind> }
}[EventKind]

/** One numbered fact of a job's past; `progress` is the job's in percent at that moment. */
export type JobEvent = {
  readonly [Kind in EventKind]: {
    readonly seq: number
    readonly at: Date
    readonly kind: Kind
    readonly progress: number
    readonly body: EventBody<Kind>
  }
}[EventKind]

/** Makes a draft; the one place where kind and body meet. */
export function event<Kind extends EventKind>(kind: Kind, at: number, body: EventBody<Kind>): EventDraft {
  return { kind, at, body } as EventDraft
}

/** Reads a stored event; throws on a row that this build does not know how to read. */
export function parseEvent(row: {
  seq: number
  at: Date
  kind: string
  progress: number
  body: unknown
}): JobEvent {
  if (!isEventKind(row.kind)) throw new Error(`event ${row.seq} has the unknown kind "${row.kind}"`)
  return { ...row, body: eventBodySchemas[row.kind].parse(row.body) as JsonObject } as unknown as JobEvent
}

export function isEventKind(text: string): text is EventKind {
  return Object.hasOwn(eventBodySchemas, text)
}

export function isQuietEvent(kind: EventKind): boolean {
  return (QUIET_EVENT_KINDS as readonly EventKind[]).includes(kind)
}
