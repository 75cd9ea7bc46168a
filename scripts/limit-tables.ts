import { MAX_VISITS as EXPRESSION_MAX_VISITS } from '../src/cel/index.ts'
import { lumeConfigSchema, OWNER_PLACES_PERCENT, OWNER_WEIGHT_MAX, QUERY_TIMEOUT_MS } from '../src/config.ts'
import { CONNECTION_WAIT_MS, OWNER_CONNECTIONS_SHARE } from '../src/db/sql/index.ts'
import {
  CONFIG_MAX_BYTES,
  CONFIG_MAX_HEAP_BYTES,
  CONFIG_MAX_VALUES,
  OUTPUT_MAX_BYTES,
  OUTPUT_MAX_HEAP_BYTES,
  OUTPUT_MAX_VALUES,
  OUTPUT_OBJECT_MAX_MEMBERS,
} from '../src/engine/block/index.ts'
import {
  DEFINITION_MAX_BYTES,
  DEFINITION_MAX_EDGES,
  DEFINITION_MAX_EXPRESSION_TEXT,
  DEFINITION_MAX_EXPRESSIONS,
  DEFINITION_MAX_MEMBERS,
  DEFINITION_MAX_POINTERS,
  DEFINITION_MAX_VALUES,
  DEFINITION_MAX_VARIABLES,
} from '../src/engine/definition/index.ts'
import {
  PROBLEMS_MAX,
  PROBLEMS_MAX_TEXT,
  SCHEMA_CHECK_MS,
  SCHEMA_COMPILE_MS,
  SCHEMA_MAX_LENGTH,
} from '../src/engine/json-schema/index.ts'
import {
  ADMISSION_MAX_PART,
  ADMISSION_OWNER_PART,
  ADMISSION_PROCESS_PART,
  ANSWER_WAIT_MS,
  ANSWERS_HEAP_SHARE,
  CONFIG_HEAP_SHARE,
  EXECUTION_MEMORY_MAX_BYTES,
  HELD_HEAP_SHARE,
  LOADING_HEAP_SHARE,
  MEMORY_WAIT_MS,
  OWNER_ANSWERS_SHARE,
  OWNER_MEMORY_SHARE,
  UNCOUNTED_ANSWER_BYTES,
  WORKING_HEAP_SHARE,
} from '../src/engine/memory/index.ts'
import { UNHANDLED_ERRORS_MAX_RECORDED } from '../src/engine/record/index.ts'
import {
  ATTEMPT_MAX_VISITS,
  STEP_CHECKPOINTS_MAX_COUNT,
  STEP_CHECKPOINTS_MAX_LENGTH,
} from '../src/engine/run/index.ts'
import { EXECUTION_SECRETS_MAX_LENGTH, SECRET_COUNTED_MIN_LENGTH } from '../src/engine/scrub/index.ts'
import { SIMULATION_MAX_HEAP_BYTES } from '../src/engine/simulate/index.ts'
import {
  DEFINITION_MAX_LOOP_DEPTH,
  DEFINITION_SCHEMAS_COMPILE_MS,
  DEFINITION_SCHEMAS_MAX_TEXT,
  DIAGNOSTICS_MAX,
  DIAGNOSTICS_MAX_TEXT,
  VALIDATIONS_MAX_WAITING,
} from '../src/engine/validate/index.ts'
import {
  ADDRESS_MAX_CONNECTIONS,
  ANSWER_MAX_WRITTEN_VALUES,
  BODY_MAX_BYTES,
  BODY_MAX_DEPTH,
  BODY_MAX_MEMBERS,
  BODY_MAX_VALUES,
  CONNECTION_MAX_UNANSWERED,
  CONNECTION_MAX_WAITING,
  CONNECTIONS_HEAP_SHARE,
  DEFAULT_LIMITS,
  DEFAULT_MAX_SUBSCRIPTIONS,
  DOCUMENT_MAX_FIELDS,
  HEAD_MS,
  HELLO_MS,
  IN_FLIGHT_HEAP_SHARE,
  IN_FLIGHT_MAX_BYTES_OF_SENDER,
  LARGE_BODY_BYTES,
  LOCATED_MAX_LINES,
  MAX_COST,
  OBJECT_HEAP_BYTES,
  OPERATION_ID_MAX_LENGTH,
  OPERATION_MAX_VALUES,
  PAGES_PER_MINUTE,
  PARSE_WAIT_MS,
  PIPELINED_HEAP_SHARE,
  REPEATED_FIELDS_MAX_PAIRS,
  REQUEST_MS,
  REQUESTS_PER_MINUTE,
  RUNNING_COST_HEAP_SHARE,
  RUNNING_COST_WAIT_MS,
  SMALL_OPERATION_MAX_COST,
  SOCKET_MAX_UNANSWERED,
  SOCKET_MESSAGES_PER_MINUTE,
  SOCKET_PINGS_PER_MINUTE,
  STRANGER_MAX_BYTES,
  SUBSCRIPTION_MAX_BYTES,
  SUBSCRIPTIONS_HEAP_SHARE,
  SUBSCRIPTIONS_OWNER_SHARE,
  UNSENT_HEAP_SHARE,
  UNSENT_MAX_BYTES_OF_CONNECTION,
  UNSENT_STALL_MS,
  VARIABLE_MAX_ERRORS,
  WEBSOCKETS_PER_SUBSCRIPTION,
} from '../src/http/index.ts'
import {
  BLOCK_TESTS_MAX_PER_OWNER,
  SIMULATIONS_HEAVY_MAX_AT_ONCE,
  SIMULATIONS_MAX_PER_OWNER,
} from '../src/jobs/index.ts'
import { CALLBACK_MAX_WAIT_MS } from '../src/jobs/library/index.ts'
import { SCHEMA_CHECKS_ALLOWANCE, SCHEMA_CHECKS_MAX_WAITING } from '../src/jobs/schema-checks/index.ts'
import { LARGE_LOADS_MAX_WAITING, MAX_DEPTH, RUNNING_STORED_BYTES_PART } from '../src/jobs/start/index.ts'
import { SUSPECT_ALONE_MS, SUSPECT_WAIT_MS } from '../src/jobs/worker/index.ts'
import { tableRow } from '../src/lib/text/index.ts'
import { SHARING_OWNERS } from '../src/lib/turns/index.ts'
import { ANSWER_MAX_HEAP_BYTES, ENCODED_EXCESS_BYTES, INTERIM_ANSWERS_MAX } from '../src/net/index.ts'
import {
  ANSWER_MAX_BYTES,
  ANSWER_MAX_ERRORS,
  ANSWER_MAX_PARSED_BYTES,
  ANSWER_MAX_VALUES,
  LARGE_ANSWERS_HEAP_SHARE,
  LARGE_ANSWERS_MAX_WAITING_OF_OWNER,
  LARGE_ANSWERS_WAIT_MS,
  LIST_MAX_ITEMS,
  NAME_MAX_LENGTH,
  STRING_MAX_LENGTH,
} from '../src/schema/index.ts'
import { BLOCKED_LOOP_REPORT_MS } from '../src/watchdog/index.ts'
import { DIFF_MAX_TEXT } from '../src/workflows/diff/index.ts'

// The tables of limits in docs/security.md, each figure read from the code that enforces it.

type Row = readonly [what: string, limit: string, beyond: string]

const defaults = lumeConfigSchema.parse({})

const REQUESTS: readonly Row[] = [
  ['body of a request, message of a WebSocket', bytes(BODY_MAX_BYTES), '413 `BODY_TOO_LARGE`; close 1009'],
  ['JSON values of a body, keys not counted', count(BODY_MAX_VALUES), '413 `BODY_TOO_COMPLEX`; close 1009'],
  ['nesting of a body', `${count(BODY_MAX_DEPTH)} levels`, 'the same'],
  ['members of one object of a body', count(BODY_MAX_MEMBERS), 'the same'],
  [
    'bodies that are not answered yet, of a process',
    `${share(IN_FLIGHT_HEAP_SHARE)} of the heap limit`,
    '503 `SERVER_OVERLOADED`, `Retry-After`; close 1013',
  ],
  [
    'the same of one owner, or of one address without a credential',
    `${bytes(IN_FLIGHT_MAX_BYTES_OF_SENDER)}, at most half of that of the process`,
    '429 `TOO_MANY_UPLOADS`, `Retry-After`; close 1013',
  ],
  [
    `bodies over ${bytes(LARGE_BODY_BYTES)} that are parsed at the same time`,
    `1 per process; others wait at most ${seconds(PARSE_WAIT_MS)}`,
    '503 `SERVER_OVERLOADED`; close 1013',
  ],
  ['time for a request to arrive', `${seconds(HEAD_MS)} its head, ${seconds(REQUEST_MS)} all of it`, '408'],
  [
    'document',
    `${count(DEFAULT_LIMITS.characters)} characters, ${count(DEFAULT_LIMITS.tokens)} tokens, depth ${count(DEFAULT_LIMITS.depth)}, ${count(DEFAULT_LIMITS.fields)} fields, ${count(DEFAULT_LIMITS.aliases)} aliases, ${count(DEFAULT_LIMITS.directives)} directives`,
    '400 `OPERATION_TOO_LARGE`',
  ],
  [
    'cost: objects that the answer may hold, and the weight of its payloads',
    count(MAX_COST),
    '400 `OPERATION_TOO_COSTLY`',
  ],
  [
    `cost of one owner’s operations in progress, those of at most ${count(SMALL_OPERATION_MAX_COST)} not counted; of all owners`,
    `as much as ${share(RUNNING_COST_HEAP_SHARE)} of the heap limit holds, at ${bytes(OBJECT_HEAP_BYTES)} each; ${SHARING_OWNERS} times that. Others wait at most ${seconds(RUNNING_COST_WAIT_MS)}`,
    '503 `SERVER_OVERLOADED`',
  ],
  [
    'stored values that one answer reads',
    `${bytes(ANSWER_MAX_BYTES)} of JSON; ${bytes(ANSWER_MAX_PARSED_BYTES)} of memory for those that are parsed`,
    '400 `ANSWER_TOO_LARGE`',
  ],
  [
    'an answer: fields of the items of its lists; all values; characters',
    `${count(ANSWER_MAX_VALUES)}; ${count(ANSWER_MAX_WRITTEN_VALUES)}; ${count(ANSWER_MAX_BYTES)}`,
    '400 `ANSWER_TOO_LARGE`',
  ],
  [
    'memory for answers with large values, of a process; of one owner',
    `${share(LARGE_ANSWERS_HEAP_SHARE)} of the heap limit; half of that. Others wait: ${count(LARGE_ANSWERS_MAX_WAITING_OF_OWNER)} of one owner, ${seconds(LARGE_ANSWERS_WAIT_MS)} each`,
    '429 `TOO_MANY_LARGE_ANSWERS`; 503 `SERVER_OVERLOADED`',
  ],
  [
    'time of one statement of the API, on a Postgres server (`LUME_QUERY_TIMEOUT_MS`)',
    seconds(QUERY_TIMEOUT_MS),
    '503 `QUERY_TIMEOUT`',
  ],
  [
    'items of a list argument or input list',
    `${count(LIST_MAX_ITEMS)}, or as its description says`,
    '400 `LIST_TOO_LONG`',
  ],
  [
    'characters of a text; of an id, a time or an enum value',
    `${count(STRING_MAX_LENGTH)}; ${count(NAME_MAX_LENGTH)}`,
    '400 `TEXT_TOO_LONG`',
  ],
  [
    'JSON values in the arguments of an operation, variables put in place',
    count(OPERATION_MAX_VALUES),
    '413 `BODY_TOO_COMPLEX`',
  ],
  ['errors in variables that are reported', count(VARIABLE_MAX_ERRORS), 'the rest is left out'],
  ['errors of an answer', count(ANSWER_MAX_ERRORS), 'the operation stops, `TOO_MANY_ERRORS`'],
  [
    'pairs of fields of a document that have the same response name in one selection set, those of fragments included',
    count(REPEATED_FIELDS_MAX_PAIRS),
    '400 `OPERATION_TOO_LARGE`',
  ],
  ['lines of a document whose errors have `locations`', count(LOCATED_MAX_LINES), 'no `locations`'],
  [
    'fields of all operations of a document, fragments included',
    count(DOCUMENT_MAX_FIELDS),
    '400 `OPERATION_TOO_LARGE`',
  ],
  [
    'connections of the API to a Postgres server that one owner holds; owners take turns',
    `${OWNER_CONNECTIONS_SHARE * 100} %`,
    `others wait at most ${CONNECTION_WAIT_MS / 1_000} s, then 503 \`QUERY_TIMEOUT\``,
  ],
  ['operations per request', '1', '400'],
  [
    'requests of one connection that are not answered yet',
    count(CONNECTION_MAX_UNANSWERED),
    'further requests are not read until one is answered',
  ],
  [
    'requests that have arrived and wait, of one connection; of all connections',
    `${count(CONNECTION_MAX_WAITING)}; as many as ${share(PIPELINED_HEAP_SHARE)} of the heap limit holds, at 4 KiB each`,
    'the connection on which the most wait is closed',
  ],
  [
    'requests per minute of a key, a token’s subject, or an address (`LUME_RATE_LIMIT`)',
    count(REQUESTS_PER_MINUTE),
    '429 `RATE_LIMITED`, `Retry-After`',
  ],
  ['pages of GraphiQL per minute and address', count(PAGES_PER_MINUTE), '429 `RATE_LIMITED`, `Retry-After`'],
]

const CONNECTIONS: readonly Row[] = [
  [
    'a WebSocket before its hello is acknowledged',
    `${bytes(STRANGER_MAX_BYTES)} in all, ${seconds(HELLO_MS)}`,
    'close 1009; 4408',
  ],
  ['messages per minute of one WebSocket', count(SOCKET_MESSAGES_PER_MINUTE), 'close 4420'],
  ['pings per minute of one WebSocket, of both kinds', count(SOCKET_PINGS_PER_MINUTE), 'close 4420'],
  [
    'operations of one WebSocket that are not answered yet; a subscription is answered by its first result',
    count(SOCKET_MAX_UNANSWERED),
    'further messages are not read until one is answered',
  ],
  ['characters of an operation’s id', count(OPERATION_ID_MAX_LENGTH), 'close 4400'],
  [
    'bytes that one client has not read',
    `${bytes(UNSENT_MAX_BYTES_OF_CONNECTION)}, and none for longer than ${seconds(UNSENT_STALL_MS)}`,
    'close 4413; HTTP and event streams are cut',
  ],
  [
    'the same of all clients of a process',
    `${share(UNSENT_HEAP_SHARE)} of the heap limit`,
    'the client with the most is closed',
  ],
  [
    'subscriptions of one owner in a process (`LUME_MAX_SUBSCRIPTIONS`)',
    count(DEFAULT_MAX_SUBSCRIPTIONS),
    'an error result, `TOO_MANY_SUBSCRIPTIONS`',
  ],
  [
    'request of a subscription: document, variables and extensions',
    bytes(SUBSCRIPTION_MAX_BYTES),
    '`SUBSCRIPTION_TOO_LARGE`',
  ],
  [
    'what open subscriptions hold of their requests; those of one owner',
    `${share(SUBSCRIPTIONS_HEAP_SHARE)} of the heap limit; ${share(SUBSCRIPTIONS_OWNER_SHARE)} of that`,
    '`TOO_MANY_SUBSCRIPTIONS`',
  ],
  [
    'connections of one address (`LUME_MAX_CONNECTIONS_PER_ADDRESS`); loopback addresses only where it is set',
    count(ADDRESS_MAX_CONNECTIONS),
    '429 `TOO_MANY_CONNECTIONS`',
  ],
  [
    'connections of a process (`LUME_MAX_CONNECTIONS`)',
    `as many as ${share(CONNECTIONS_HEAP_SHARE)} of the heap limit holds, at 32 KiB each`,
    '429 `TOO_MANY_CONNECTIONS`',
  ],
  [
    'WebSockets of one owner in a process (`LUME_MAX_WEBSOCKETS`)',
    `${count(WEBSOCKETS_PER_SUBSCRIPTION)} for each subscription that it may have`,
    'closed with 4429',
  ],
]

const DEFINITIONS: readonly Row[] = [
  [
    'nodes of a definition, loop bodies included (`LUME_MAX_NODES`)',
    count(defaults.maxDefinitionNodes),
    'the diagnostic `DEFINITION_TOO_LARGE`',
  ],
  [
    'edges, variables, values, bytes of a definition',
    `${count(DEFINITION_MAX_EDGES)}, ${count(DEFINITION_MAX_VARIABLES)}, ${count(DEFINITION_MAX_VALUES)}, ${bytes(DEFINITION_MAX_BYTES)}`,
    'the same',
  ],
  [
    'members of one object of a definition; JSON pointers of all its values, together',
    `${count(DEFINITION_MAX_MEMBERS)}; ${count(DEFINITION_MAX_POINTERS)} characters`,
    'the same',
  ],
  [
    'diagnostics of a definition',
    `${count(DIAGNOSTICS_MAX)}, with ${count(DIAGNOSTICS_MAX_TEXT)} characters`,
    'the rest is left out',
  ],
  [
    'problems of an input, payload or output',
    `${count(PROBLEMS_MAX)}, with ${count(PROBLEMS_MAX_TEXT)} characters`,
    'the rest is counted',
  ],
  ['paths and pointers of a diff', `${count(DIFF_MAX_TEXT)} characters`, '`DIFF_TOO_LARGE`'],
  [
    'expressions of a definition, and their text',
    `${count(DEFINITION_MAX_EXPRESSIONS)}, ${bytes(DEFINITION_MAX_EXPRESSION_TEXT)}`,
    'the diagnostic `DEFINITION_TOO_COMPLEX`',
  ],
  ['loops inside loops', count(DEFINITION_MAX_LOOP_DEPTH), 'the diagnostic `DEFINITION_TOO_DEEP`'],
  [
    'a JSON Schema of a user',
    `${count(SCHEMA_MAX_LENGTH)} characters; ${milliseconds(SCHEMA_COMPILE_MS)} to compile`,
    'a diagnostic: `INPUT_SCHEMA_INVALID`, or `CONFIG_INVALID` in a node',
  ],
  [
    'all schemas of a definition that differ',
    `${count(DEFINITION_SCHEMAS_MAX_TEXT)} characters; ${milliseconds(DEFINITION_SCHEMAS_COMPILE_MS)} to compile`,
    'the diagnostic `DEFINITION_TOO_COMPLEX`',
  ],
  [
    'checking an input, a signal’s payload or a model’s answer against one',
    milliseconds(SCHEMA_CHECK_MS),
    '`INPUT_INVALID`, “cannot be checked”',
  ],
  [
    'processor time of one owner for checks that take long',
    `${milliseconds(SCHEMA_CHECKS_ALLOWANCE.burstMs)} at once, then ${milliseconds(SCHEMA_CHECKS_ALLOWANCE.perSecondMs)} per second; ${count(SCHEMA_CHECKS_MAX_WAITING)} checks wait`,
    '`VALIDATION_BUSY` with `retryAfterMs`',
  ],
  [
    'validations of large definitions of one owner that wait',
    count(VALIDATIONS_MAX_WAITING),
    '`VALIDATION_BUSY` with `retryAfterMs`',
  ],
  [
    'simulations, and tests of blocks, of one owner at the same time',
    `${count(SIMULATIONS_MAX_PER_OWNER)}, ${count(BLOCK_TESTS_MAX_PER_OWNER)}`,
    '`VALIDATION_BUSY` with `retryAfterMs`',
  ],
  [
    'simulations that hold much or work long, of all owners at the same time',
    `${count(SIMULATIONS_HEAVY_MAX_AT_ONCE)} per process`,
    'others wait; owners take turns',
  ],
  [
    'requests of one owner that wait to load large stored definitions, executions or schedules',
    count(LARGE_LOADS_MAX_WAITING),
    '`VALIDATION_BUSY` with `retryAfterMs`',
  ],
]

const EXECUTIONS: readonly Row[] = [
  [
    'what one expression costs, in visits, about 50 ms of work; all evaluations of one attempt',
    `${count(EXPRESSION_MAX_VISITS)}; ${count(ATTEMPT_MAX_VISITS)}`,
    '`EXPRESSION_TOO_COSTLY`',
  ],
  [
    'output of a step',
    `${bytes(OUTPUT_MAX_BYTES)} of JSON, ${count(OUTPUT_MAX_VALUES)} values, ${count(OUTPUT_OBJECT_MAX_MEMBERS)} members of one object, ${bytes(OUTPUT_MAX_HEAP_BYTES)} of memory`,
    '`OUTPUT_TOO_LARGE`',
  ],
  [
    'checkpoints of one step; all their values together',
    `${count(STEP_CHECKPOINTS_MAX_COUNT)}; ${bytes(STEP_CHECKPOINTS_MAX_LENGTH)}`,
    '`CHECKPOINTS_FULL`',
  ],
  [
    `characters of the secrets that one execution uses, each counted as at least ${count(SECRET_COUNTED_MIN_LENGTH)}`,
    count(EXECUTION_SECRETS_MAX_LENGTH),
    'the step fails with `SECRETS_TOO_LARGE`',
  ],
  [
    'config of a step, with its templates filled in',
    `${bytes(CONFIG_MAX_BYTES)} of JSON, ${count(CONFIG_MAX_VALUES)} values, ${bytes(CONFIG_MAX_HEAP_BYTES)} of memory`,
    '`CONFIG_TOO_LARGE`',
  ],
  [
    'answer that `api.http` or a provider’s block parses; all answers that one attempt of a provider’s block keeps',
    `${bytes(ANSWER_MAX_HEAP_BYTES)} of memory, ${count(OUTPUT_OBJECT_MAX_MEMBERS)} members of one object; ${bytes(ANSWER_MAX_HEAP_BYTES)}`,
    '`HTTP_RESPONSE_TOO_LARGE`',
  ],
  [
    'bytes of an answer before each of its content encodings is removed',
    `as many as decoded ones, and ${bytes(ENCODED_EXCESS_BYTES)} more`,
    '`HTTP_RESPONSE_TOO_LARGE`',
  ],
  ['interim answers (1xx) to one call', count(INTERIM_ANSWERS_MAX), '`HTTP_NETWORK`'],
  [
    'values that an execution holds in memory',
    `${bytes(EXECUTION_MEMORY_MAX_BYTES)}; the rest is read back from the database when a step needs it`,
    `\`MEMORY_BUDGET_EXCEEDED\` where one step needs more, or has waited ${seconds(MEMORY_WAIT_MS)}`,
  ],
  [
    'the same of all executions of a process; of one owner',
    `${share(HELD_HEAP_SHARE)} of the heap limit, ${share(CONFIG_HEAP_SHARE)} for configs of attempts, and ${share(WORKING_HEAP_SHARE)} for values that are being made; ${share(OWNER_MEMORY_SHARE)} of those`,
    'steps wait, then `MEMORY_BUDGET_EXCEEDED`',
  ],
  [
    `answers of \`api.http\` and of providers, beyond ${bytes(UNCOUNTED_ANSWER_BYTES)} each, from their arrival until they are read; those of one owner`,
    `${share(ANSWERS_HEAP_SHARE)} of the heap limit, outside of the heap; ${share(OWNER_ANSWERS_SHARE)} of that`,
    `they are not read on until others are done; after ${seconds(ANSWER_WAIT_MS)} the one that has been arriving longest ends with \`ANSWER_TOO_SLOW\``,
  ],
  [
    'stored values of one owner that workers load at the same time, and those that requests load; of all owners',
    `${share(LOADING_HEAP_SHARE)} of the heap limit, or one value; ${SHARING_OWNERS} times that, owners take turns`,
    'others wait',
  ],
  [
    'memory in use at which an owner’s executions begin',
    `at most ${percent(ADMISSION_OWNER_PART)} of the owner’s part and ${percent(ADMISSION_PROCESS_PART)} of the process’s; an owner that holds nothing: ${percent(ADMISSION_MAX_PART)} of the process’s`,
    'its jobs stay queued',
  ],
  ['values that a simulation holds', bytes(SIMULATION_MAX_HEAP_BYTES), '`SIMULATION_TOO_LONG`'],
  [
    'places of a process that one owner holds (`LUME_OWNER_PLACES_PERCENT`)',
    `${OWNER_PLACES_PERCENT} % with authentication, else 100 %; weights from 1 to ${OWNER_WEIGHT_MAX} (\`LUME_OWNER_WEIGHTS\`)`,
    'its jobs stay queued',
  ],
  [
    'an execution that lost its worker twice',
    `runs alone for at most ${seconds(SUSPECT_ALONE_MS)}; what runs beside it has ${seconds(SUSPECT_WAIT_MS)} to end first`,
    'others run again',
  ],
  ['executions that call each other', `${count(MAX_DEPTH)} levels`, '`CALL_TOO_DEEP`'],
  [
    'descendants of one execution (`LUME_MAX_DESCENDANTS`)',
    count(defaults.maxDescendants),
    '`TOO_MANY_DESCENDANTS`',
  ],
  [
    'a block that keeps the event loop blocked (`LUME_MAX_BLOCKED_MS`)',
    `named in log and metrics from ${milliseconds(BLOCKED_LOOP_REPORT_MS)} on; ${seconds(defaults.maxBlockedMs)}`,
    'its process ends itself, and only its execution counts the loss',
  ],
  [
    'unhandled errors of one attempt that are recorded',
    count(UNHANDLED_ERRORS_MAX_RECORDED),
    'the rest is counted in the metrics',
  ],
  [
    'a callback of `startJob`',
    `${milliseconds(CALLBACK_MAX_WAIT_MS)} after the job’s end`,
    'it is not waited for any longer',
  ],
]

const QUOTAS: readonly Row[] = [
  ['executions that have not ended', count(defaults.maxOpenExecutions), '`LUME_MAX_OPEN_EXECUTIONS`'],
  [
    'stored bytes',
    `${bytes(defaults.maxStoredBytes)}; running executions go on up to ${percent(RUNNING_STORED_BYTES_PART)} of that`,
    '`LUME_MAX_STORED_BYTES`',
  ],
  ['workflows', count(defaults.maxWorkflows), '`LUME_MAX_WORKFLOWS`'],
  ['schedules', count(defaults.maxSchedules), '`LUME_MAX_SCHEDULES`'],
  ['stored secrets', count(defaults.maxSecrets), '`LUME_MAX_SECRETS`'],
  ['live API keys', count(defaults.maxApiKeys), '`LUME_MAX_API_KEYS`'],
]

/** The tables, in Markdown. */
export function limitTables(): string {
  return [
    table('Requests', ['what', 'limit', 'beyond it'], REQUESTS),
    table('Connections', ['what', 'limit', 'beyond it'], CONNECTIONS),
    table('Definitions and checks', ['what', 'limit', 'beyond it'], DEFINITIONS),
    table('Executions', ['what', 'limit', 'beyond it'], EXECUTIONS),
    table('Quotas of an owner', ['what', 'default', 'setting'], QUOTAS),
  ].join('\n\n')
}

function table(title: string, head: Row, rows: readonly Row[]): string {
  return [`### ${title}`, '', ...[head, ['---', '---', '---'], ...rows].map((row) => tableRow(row))].join(
    '\n',
  )
}

function count(value: number): string {
  return value.toLocaleString('en')
}

function bytes(value: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB'] as const
  const power = Math.min(units.length - 1, Math.floor(Math.log2(value) / 10))
  return `${count(value / 1024 ** power)} ${units[power]}`
}

function milliseconds(value: number): string {
  return `${count(value)} ms`
}

function seconds(ms: number): string {
  return `${count(ms / 1_000)} s`
}

function percent(part: number): string {
  return `${count(part * 100)} %`
}

function share(part: number): string {
  return part === 0.5 ? 'half' : `1/${count(1 / part)}`
}
