import type { EventKind, StepStatus } from '../../engine/record/index.ts'

/** How an entry writes a step's status. */
const STATUS_CODES = {
  PENDING: 'P',
  RUNNING: 'R',
  RETRYING: 'T',
  WAITING: 'W',
  COMPLETED: 'C',
  FAILED: 'F',
  SKIPPED: 'S',
  CANCELED: 'X',
} as const satisfies Record<StepStatus, string>
export type StatusCode = (typeof STATUS_CODES)[StepStatus]

/** How an entry writes the kind of an event. */
const EVENT_CODES = {
  JOB_QUEUED: 'jq',
  JOB_STARTED: 'js',
  JOB_RECOVERED: 'jr',
  JOB_WAITING: 'jw',
  JOB_PAUSED: 'jp',
  JOB_RESUMED: 'ju',
  JOB_PROGRESS: 'jg',
  JOB_CANCELING: 'jl',
  JOB_COMPLETED: 'jc',
  JOB_FAILED: 'jf',
  JOB_CANCELED: 'jx',
  STEP_STARTED: 's',
  STEP_COMPLETED: 'c',
  STEP_FAILED: 'f',
  STEP_RETRYING: 't',
  STEP_WAITING: 'w',
  STEP_LOG: 'l',
  STEP_PROGRESS: 'p',
  STEP_STREAM: 'z',
  SIGNAL_RECEIVED: 'g',
  SIGNAL_DISCARDED: 'd',
  STEP_SKIPPED: 'k',
  STEP_CANCELED: 'x',
  LOOP_ITEM_COMPLETED: 'i',
  LOOP_ITEM_FAILED: 'j',
} as const satisfies Record<EventKind, string>
export type EventCode = (typeof EVENT_CODES)[EventKind]

const STATUSES: ReadonlyMap<string, StepStatus> = inverse(STATUS_CODES)
const EVENTS: ReadonlyMap<string, EventKind> = inverse(EVENT_CODES)

export function statusCode(status: StepStatus): StatusCode {
  return STATUS_CODES[status]
}

export function eventCode(kind: EventKind): EventCode {
  return EVENT_CODES[kind]
}

/** Throws on a code that this build does not know. */
export function statusOf(code: string): StepStatus {
  return known(STATUSES.get(code), 'status', code)
}

/** Throws on a code that this build does not know. */
export function kindOf(code: string): EventKind {
  return known(EVENTS.get(code), 'kind of event', code)
}

function known<Name>(name: Name | undefined, what: string, code: string): Name {
  if (name === undefined) throw new Error(`an entry of the log has the unknown ${what} "${code}"`)
  return name
}

function inverse<Name extends string>(codes: Readonly<Record<Name, string>>): ReadonlyMap<string, Name> {
  return new Map(Object.entries<string>(codes).map(([name, code]) => [code, name as Name]))
}
