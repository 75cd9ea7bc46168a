/** A request of at most 6 MiB that asks for as much work as its size allows. */
export interface HostileRequest {
  readonly name: string
  /** The JSON text of a POST to `/graphql`. */
  readonly body: Buffer
  /** Ids of ended jobs of the caller's owner that are in the database. */
  readonly jobs?: readonly string[]
  /** True where nothing comes before it in its process. Default false. */
  readonly isFirst?: boolean
}

const JOBS = 'query($k: [JobStatus!]) { jobs(first: 1, filter: { status: $k }) { edges { node { id } } } }'
const VALIDATE =
  'mutation($d: JSON) { validateWorkflow(input: { definition: $d }) { ... on ValidateWorkflowPayload { valid } } }'
const CREATE =
  'mutation($d: JSON) { createWorkflow(input: { definition: $d }) { ... on CreateWorkflowPayload { workflow { id } } } }'
const SIMULATE =
  'mutation($d: JSON, $i: JSON) { simulateWorkflow(input: { definition: $d, input: $i }) { ... on SimulateWorkflowPayload { status } ... on Error { code } } }'
const EXECUTE =
  'mutation($d: JSON, $i: JSON) { executeWorkflow(input: { definition: $d, input: $i }) { ... on ExecuteWorkflowPayload { job { id } } ... on Error { code } } }'

/** About 5.7 MB of empty lists in one list. */
const EMPTY_LISTS = `[${'[],'.repeat(1_900_000)}[]]`
/** As many values as a body may hold, and a few for the request around them. */
const MANY_VALUES = Array.from({ length: 199_000 }, (_, i) => i)
const GREETING = { nodes: [{ id: 'a', type: 'core.transform', config: { value: 1 } }], edges: [] }

export const HOSTILE_REQUESTS: readonly HostileRequest[] = [
  post('500,000 unknown enum values', JOBS, { k: repeat('NOPE', 500_000) }),
  post('600,000 valid enum values', JOBS, { k: repeat('FAILED', 600_000) }),
  raw('1,900,000 empty lists as a definition', VALIDATE, `"variables":{"d":${EMPTY_LISTS}}`),
  raw(
    '1,900,000 empty lists as an input',
    EXECUTE,
    `"variables":{"d":${JSON.stringify(GREETING)},"i":${EMPTY_LISTS}}`,
  ),
  post('5,000 nodes that do not exist', `query($ids: [ID!]!) ${aliases(50, 'nodes(ids: $ids) { id }')}`, {
    ids: Array.from({ length: 100 }, (_, i) =>
      Buffer.from(`Job:00000000-0000-7000-8000-${String(i).padStart(12, '0')}`).toString('base64'),
    ),
  }),
  raw('1,900,000 empty lists in extensions', '{ viewer { ownerId } }', `"extensions":{"x":${EMPTY_LISTS}}`),
  raw(
    '2,500,000 lists in each other',
    VALIDATE,
    `"variables":{"d":${'['.repeat(2_500_000)}${']'.repeat(2_500_000)}}`,
  ),
  post('60,000 nodes', VALIDATE, { d: { nodes: nodes(60_000), edges: [] } }),
  post('100,000 edges', VALIDATE, {
    d: { nodes: nodes(2), edges: repeat({ source: 'n0', target: 'n1' }, 30_000) },
  }),
  post('199,000 values as an input', EXECUTE, { d: GREETING, i: MANY_VALUES }),
  post('199,000 values as a definition', VALIDATE, { d: MANY_VALUES }),
  post('199,000 keys in a definition', VALIDATE, { d: { ...GREETING, metadata: keys(199_000) } }),
  post('a text of 5.9 million characters as an input', EXECUTE, { d: GREETING, i: 'x'.repeat(5_900_000) }),
  post('a text of 5.9 million characters as a definition', VALIDATE, { d: 'x'.repeat(5_900_000) }),
  raw(
    'a text of 980,000 escapes',
    EXECUTE,
    `"variables":{"d":${JSON.stringify(GREETING)},"i":"${'\\u0041'.repeat(980_000)}"}`,
  ),
  raw(
    'a document of 5.9 million characters',
    `{ viewer { ownerId } } #${'x'.repeat(5_900_000)}`,
    '"variables":{}',
  ),
  post('2,000 nodes of 2,000 characters, validated', VALIDATE, { d: largeDefinition() }),
  post('2,000 nodes of 2,000 characters, stored', CREATE, { d: largeDefinition() }),
  post('2,000 nodes of 2,000 characters, simulated', SIMULATE, { d: largeDefinition(), i: {} }),
  post('2,000 nodes of 2,000 characters, executed', EXECUTE, { d: largeDefinition(), i: {} }),
  post('29,000 expressions, validated', VALIDATE, { d: manyExpressions() }),
  post('a schema that compares 30,000 objects, executed', EXECUTE, {
    d: { ...GREETING, inputSchema: { type: 'array', uniqueItems: true } },
    i: Array.from({ length: 30_000 }, (_, i) => ({ a: i, b: 'x' })),
  }),
  post('a schema that doubles sixty times, executed', EXECUTE, {
    d: { ...GREETING, inputSchema: doublingSchema(60) },
    i: 'x',
  }),
  post('a loop over 100,000 items in each other, simulated', SIMULATE, {
    d: {
      nodes: [
        {
          id: 'a',
          type: 'core.filter',
          config: { items: '{{ input.xs }}', condition: 'input.xs.exists(x, x == item)' },
        },
      ],
      edges: [],
    },
    i: { xs: Array.from({ length: 90_000 }, (_, i) => i) },
  }),
  post('schemas and pages of all blocks under 24 aliases', aliases(24, 'blocks { configSchema docs }'), {}),
  failingFields(),
]

/** Fields of 100 jobs under 49 aliases, none of which has a value. */
function failingFields(): HostileRequest {
  const jobs = Array.from({ length: 100 }, (_, i) => `00000000-0000-7000-8000-${String(i).padStart(12, '0')}`)
  const fields = aliases(49, 'nodes(ids: $ids) { ... on Job { events(first: 0) { cursor } } }')
  const ids = jobs.map((id) => Buffer.from(`Job:${id}`).toString('base64'))
  const name = '4,900 failing fields, as the first request of a process'
  return { ...post(name, `query($ids: [ID!]!) ${fields}`, { ids }), jobs, isFirst: true }
}

function post(name: string, query: string, variables: object): HostileRequest {
  return { name, body: Buffer.from(JSON.stringify({ query, variables })) }
}

/** For texts that `JSON.stringify` would not write. */
function raw(name: string, query: string, members: string): HostileRequest {
  return { name, body: Buffer.from(`{"query":${JSON.stringify(query)},${members}}`) }
}

function aliases(count: number, field: string): string {
  return `{ ${Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(' ')} }`
}

function repeat<T>(value: T, count: number): T[] {
  return Array.from({ length: count }, () => value)
}

function nodes(count: number): object[] {
  return Array.from({ length: count }, (_, i) => ({ id: `n${i}`, type: 'core.log', config: {} }))
}

function keys(count: number): object {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 0]))
}

/** About 4 MB: a chain whose steps each read the step before. */
function largeDefinition(): object {
  const text = 'x'.repeat(1_800)
  return {
    nodes: Array.from({ length: 2_000 }, (_, i) => ({
      id: `n${i}`,
      type: 'core.transform',
      config: { value: { text, sum: i === 0 ? 0 : `{{ nodes.n${i - 1}.output.sum + ${i} }}` } },
    })),
    edges: Array.from({ length: 1_999 }, (_, i) => ({ source: `n${i}`, target: `n${i + 1}` })),
  }
}

function manyExpressions(): object {
  return {
    nodes: Array.from({ length: 29 }, (_, node) => ({
      id: `n${node}`,
      type: 'core.transform',
      config: { value: Array.from({ length: 1_000 }, (__, i) => `{{ input.a${i} + ${node} }}`) },
    })),
    edges: [],
  }
}

/** Each level asks for the next one twice. */
function doublingSchema(levels: number): object {
  const twice = (level: number) => ({ allOf: repeat({ $ref: `#/$defs/d${level}` }, 2) })
  const $defs = Object.fromEntries(Array.from({ length: levels }, (_, i) => [`d${i}`, twice(i + 1)]))
  return { $defs: { ...$defs, [`d${levels}`]: { type: 'string' } }, $ref: '#/$defs/d0' }
}
