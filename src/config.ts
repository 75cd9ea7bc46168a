import { z } from 'zod'
import {
  isAuthenticated,
  isLoopback,
  parseSecretKey,
  readEnvironmentSecrets,
  readSettingsKeys,
  requireSafeHost,
  ROLES,
  SECRET_MAX_LENGTH,
  SECRET_MIN_LENGTH,
  SECRET_NAME,
  SECRET_VARIABLES,
  type AuthenticationSettings,
  type JwtSettings,
} from './access/index.ts'
import { providerSettingsSchema } from './blocks/providers/shared/index.ts'
import { LOG_LEVELS as STEP_LOG_LEVELS } from './engine/block/index.ts'
import { DEFINITION_MAX_NODES, DEFINITION_NODES_CEILING } from './engine/definition/index.ts'
import { LOCAL_USER } from './jobs/library/index.ts'
import { LumeError, OWNER_MAX_LENGTH } from './lib/index.ts'
import { LOG_LEVELS } from './lib/log/index.ts'
import { parseAllowedHost } from './net/index.ts'
import { unknownVariablesWarning } from './unknown-variables.ts'

/** The largest weight of an owner in the sharing of places. */
export const OWNER_WEIGHT_MAX = 100
/** The part of the places that one owner may hold where owners are distinguished, in percent. */
export const OWNER_PLACES_PERCENT = 90
/** How long one statement of the API may take where no setting says otherwise, in milliseconds. */
export const QUERY_TIMEOUT_MS = 10_000
/** The shortest `maxBlockedMs`: by then the block is known and logged. */
const BLOCKED_MS_MIN = 3_000

const PROCESS_ROLES = ['all', 'api', 'worker'] as const

/** A quota that every owner has. */
function quota(limit: number, what: string) {
  return z
    .int()
    .min(1)
    .max(2 ** 50)
    .default(limit)
    .describe(`Maximum number of ${what}; approximate.`)
}

/** What a Lume is made of; `createLume` takes any part of it. */
export const lumeConfigSchema = z.object({
  databaseUrl: z
    .string()
    .min(1)
    .optional()
    .describe('A Postgres server, 15 or newer; unset: the embedded database.'),
  dataDir: z.string().min(1).default('.lume').describe('Where the embedded database lives.'),
  role: z
    .enum(PROCESS_ROLES)
    .default('all')
    .describe('`api` answers requests, `worker` runs jobs, `all` does both.'),
  concurrency: z.int().min(1).max(1_000).default(50).describe('How many jobs run here at the same time.'),
  ownerPlacesPercent: z
    .int()
    .min(1)
    .max(100)
    .default(100)
    .describe(
      'The part of the places that one owner may hold, in percent; below 100 at least one place of two or more stays free.',
    ),
  ownerWeights: z
    .record(z.string().min(1).max(OWNER_MAX_LENGTH), z.int().min(1).max(OWNER_WEIGHT_MAX))
    .default({})
    .describe('The shares of owners in the places, relative to each other; 1 for owners that are not named.'),
  leaseMs: z
    .int()
    .min(300)
    .max(600_000)
    .default(15_000)
    .describe('How long a worker holds a job without a sign of life, in milliseconds.'),
  maxBlockedMs: z
    .int()
    .min(BLOCKED_MS_MIN)
    .max(3_600_000)
    .default(60_000)
    .describe(
      'How long a block may keep the event loop blocked, in milliseconds, before the jobs beside it are given to other workers and a server process ends itself.',
    ),
  blockWaitMs: z
    .int()
    .min(0)
    .max(30 * 24 * 3_600_000)
    .default(600_000)
    .describe(
      'How long an execution waits for a worker that has its block types, in milliseconds, while none is there; then it fails with BLOCK_TYPE_MISSING.',
    ),
  shutdownGraceMs: z
    .int()
    .min(0)
    .max(3_600_000)
    .default(20_000)
    .describe('How long attempts in flight may take to finish when the process stops, in milliseconds.'),
  maxDefinitionNodes: z
    .int()
    .min(1)
    .max(DEFINITION_NODES_CEILING)
    .default(DEFINITION_MAX_NODES)
    .describe('How many nodes a definition may have, loop bodies included.'),
  maxDescendants: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(20_000)
    .describe('Maximum number of descendants of one execution, ended ones included.'),
  maxOpenExecutions: quota(200_000, 'executions of one owner that have not ended'),
  maxStoredBytes: quota(100 * 1024 ** 3, 'bytes that one owner stores'),
  maxWorkflows: quota(10_000, 'workflows of one owner'),
  maxSchedules: quota(1_000, 'schedules of one owner'),
  maxSecrets: quota(1_000, 'stored secrets of one owner'),
  maxApiKeys: quota(1_000, 'live API keys of one owner'),
  queryTimeoutMs: z
    .int()
    .min(100)
    .max(600_000)
    .default(QUERY_TIMEOUT_MS)
    .describe(
      'How long one statement of the API may take, in milliseconds; then the operation answers `QUERY_TIMEOUT`. On a Postgres server only.',
    ),
  blockModules: z
    .array(z.string().min(1))
    .default([])
    .describe('Modules with blocks of one’s own: files, relative to the working directory.'),
  allowPrivateHosts: z
    .array(z.string().refine((host) => parseAllowedHost(host) !== null, 'is not a host or host:port'))
    .default([])
    .describe('Hosts that `api.http` may reach although they are not public.'),
  secrets: z
    .record(z.string().regex(SECRET_NAME), z.string().min(SECRET_MIN_LENGTH).max(SECRET_MAX_LENGTH))
    .default({})
    .describe('Secret values by name, beside those that owners store.'),
  secretOwners: z
    .array(z.string().min(1).max(200))
    .default([LOCAL_USER])
    .describe('The owners whose workflows may use `secrets`.'),
  secretKeys: z
    .array(z.string().refine((key) => parseSecretKey(key) !== null, 'is not 32 bytes in base64'))
    .default([])
    .describe(
      'What stored secrets are encrypted under, newest first; empty: a key in `dataDir`, if embedded.',
    ),
  providers: providerSettingsSchema.prefault({}).describe('Where the providers of blocks are reached.'),
  logLevel: z.enum(LOG_LEVELS).default('info'),
  stepLogLevel: z
    .enum(STEP_LOG_LEVELS)
    .default('info')
    .describe('Lines that blocks write under this level do not come into the timeline.'),
})
export type LumeConfig = z.output<typeof lumeConfigSchema>
/** What `createLume` takes: everything has a default. */
export type LumeOptions = z.input<typeof lumeConfigSchema>

export interface ServerConfig {
  readonly host: string
  readonly port: number
  /** Whether anybody may read the schema, and GraphiQL is served. */
  readonly isExplorable: boolean
  readonly authentication: AuthenticationSettings
  readonly corsOrigins: readonly string[]
  /** Of each key, token or address; 0: no limit; undefined: as the server thinks right. */
  readonly requestsPerMinute: number | undefined
  /** Of one owner, in this process; undefined: as the server thinks right. */
  readonly maxSubscriptions: number | undefined
  /** Maximum connections of one address; 0: no limit; undefined: the default of the server, loopback addresses excepted. */
  readonly maxConnectionsOfAddress: number | undefined
  /** Maximum connections of all addresses; undefined: by the heap limit of the process. */
  readonly maxConnections: number | undefined
  /** Maximum WebSockets of one owner, in this process; undefined: twice `maxSubscriptions`. */
  readonly maxWebSockets: number | undefined
  /** The file of the only documents that run. */
  readonly persistedDocuments: string | undefined
  /** Whether anybody may read `/metrics`, not operators alone; undefined: as the server thinks right. */
  readonly hasOpenMetrics: boolean | undefined
  /** What the process logs at start: settings that were named and are not read. */
  readonly warnings: readonly string[]
  readonly lume: LumeConfig
}

/** A number as people write it: Number() itself would also take "", " ", "0x10" and "1e3". */
const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, 'is no whole number')
  .transform(Number)

const yesOrNo = z.enum(['yes', 'no']).transform((word) => word === 'yes')

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean),
)

/** `owner:weight`, separated by commas; an owner's name may contain colons. */
const weights = list.transform((entries, context) => {
  const read = entries.map((entry) => /^(.+):(\d{1,3})$/.exec(entry))
  if (read.every((match) => match !== null))
    return Object.fromEntries(read.map(([, owner = '', weight]) => [owner.trim(), Number(weight)]))
  context.addIssue({ code: 'custom', message: 'is no list such as acme:3,beta:2' })
  return z.NEVER
})

const settingsKeys = z.string().transform((text, context) => {
  const keys = readSettingsKeys(text)
  if (typeof keys !== 'string') return keys
  context.addIssue({ code: 'custom', message: keys })
  return z.NEVER
})

/** HS256 wants a secret at least as long as its hash. */
const JWT_SECRET_MIN_LENGTH = 32

const environmentSchema = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: wholeNumber.pipe(z.number().max(65_535)).default(4_000),
  DATABASE_URL: lumeConfigSchema.shape.databaseUrl,
  LUME_DATA_DIR: lumeConfigSchema.shape.dataDir,
  LUME_ROLE: lumeConfigSchema.shape.role,
  LUME_CONCURRENCY: wholeNumber.pipe(lumeConfigSchema.shape.concurrency.removeDefault()).optional(),
  LUME_OWNER_PLACES_PERCENT: wholeNumber
    .pipe(lumeConfigSchema.shape.ownerPlacesPercent.removeDefault())
    .optional(),
  LUME_OWNER_WEIGHTS: weights.pipe(lumeConfigSchema.shape.ownerWeights.removeDefault()).optional(),
  LUME_LEASE_MS: wholeNumber.pipe(lumeConfigSchema.shape.leaseMs.removeDefault()).optional(),
  LUME_MAX_BLOCKED_MS: wholeNumber.pipe(lumeConfigSchema.shape.maxBlockedMs.removeDefault()).optional(),
  LUME_BLOCK_WAIT_MS: wholeNumber.pipe(lumeConfigSchema.shape.blockWaitMs.removeDefault()).optional(),
  LUME_SHUTDOWN_GRACE_MS: wholeNumber.pipe(lumeConfigSchema.shape.shutdownGraceMs.removeDefault()).optional(),
  LUME_MAX_NODES: wholeNumber.pipe(lumeConfigSchema.shape.maxDefinitionNodes.removeDefault()).optional(),
  LUME_MAX_DESCENDANTS: wholeNumber.pipe(lumeConfigSchema.shape.maxDescendants.removeDefault()).optional(),
  LUME_MAX_OPEN_EXECUTIONS: wholeNumber
    .pipe(lumeConfigSchema.shape.maxOpenExecutions.removeDefault())
    .optional(),
  LUME_MAX_STORED_BYTES: wholeNumber.pipe(lumeConfigSchema.shape.maxStoredBytes.removeDefault()).optional(),
  LUME_MAX_WORKFLOWS: wholeNumber.pipe(lumeConfigSchema.shape.maxWorkflows.removeDefault()).optional(),
  LUME_MAX_SCHEDULES: wholeNumber.pipe(lumeConfigSchema.shape.maxSchedules.removeDefault()).optional(),
  LUME_MAX_SECRETS: wholeNumber.pipe(lumeConfigSchema.shape.maxSecrets.removeDefault()).optional(),
  LUME_MAX_API_KEYS: wholeNumber.pipe(lumeConfigSchema.shape.maxApiKeys.removeDefault()).optional(),
  LUME_QUERY_TIMEOUT_MS: wholeNumber.pipe(lumeConfigSchema.shape.queryTimeoutMs.removeDefault()).optional(),
  LUME_ALLOW_PRIVATE_HOSTS: list.pipe(lumeConfigSchema.shape.allowPrivateHosts.removeDefault()).optional(),
  LUME_BLOCKS: list.pipe(lumeConfigSchema.shape.blockModules.removeDefault()).optional(),
  LUME_SECRET_KEY: list.pipe(lumeConfigSchema.shape.secretKeys.removeDefault()).optional(),
  LUME_ENV_SECRETS_OWNERS: list.pipe(lumeConfigSchema.shape.secretOwners.removeDefault()).default([]),
  LUME_EXPLORABLE: yesOrNo.optional(),
  LUME_API_KEYS: settingsKeys.default([]),
  LUME_REQUIRE_AUTHENTICATION: yesOrNo.default(false),
  LUME_JWT_SECRET: z
    .string()
    .min(JWT_SECRET_MIN_LENGTH, `has fewer than ${JWT_SECRET_MIN_LENGTH} characters`)
    .optional(),
  LUME_JWT_JWKS_URL: z.string().refine(isSafeKeysUrl, 'is not an https URL').optional(),
  LUME_JWT_ISSUER: z.string().optional(),
  LUME_JWT_AUDIENCE: z.string().optional(),
  LUME_JWT_OWNER_CLAIM: z.string().default('sub'),
  LUME_JWT_ROLE_CLAIM: z.string().default('lume_role'),
  LUME_JWT_DEFAULT_ROLE: z.enum(ROLES).default('VIEWER'),
  LUME_CORS_ORIGINS: list
    .pipe(z.array(z.string().refine(isOrigin, 'holds what is no origin, such as https://app.example.com')))
    .default([]),
  LUME_RATE_LIMIT: wholeNumber.pipe(z.number().max(1_000_000)).optional(),
  LUME_MAX_SUBSCRIPTIONS: wholeNumber.pipe(z.number().min(1).max(1_000_000)).optional(),
  LUME_MAX_CONNECTIONS_PER_ADDRESS: wholeNumber.pipe(z.number().max(1_000_000)).optional(),
  LUME_MAX_CONNECTIONS: wholeNumber.pipe(z.number().min(1).max(1_000_000)).optional(),
  LUME_MAX_WEBSOCKETS: wholeNumber.pipe(z.number().min(1).max(1_000_000)).optional(),
  LUME_PERSISTED_DOCUMENTS: z.string().optional(),
  LUME_METRICS: z.enum(['open', 'guarded']).optional(),
  APIFY_BASE_URL: providerSettingsSchema.shape.apify.unwrap().shape.baseUrl,
  APOLLO_BASE_URL: providerSettingsSchema.shape.apollo.unwrap().shape.baseUrl,
  HUNTER_BASE_URL: providerSettingsSchema.shape.hunter.unwrap().shape.baseUrl,
  MIXEDBREAD_BASE_URL: providerSettingsSchema.shape.mixedbread.unwrap().shape.baseUrl,
  OPENROUTER_BASE_URL: providerSettingsSchema.shape.openrouter.unwrap().shape.baseUrl,
  META_BASE_URL: providerSettingsSchema.shape.meta.unwrap().shape.baseUrl,
  LUME_LOG_LEVEL: lumeConfigSchema.shape.logLevel,
  LUME_STEP_LOG_LEVEL: lumeConfigSchema.shape.stepLogLevel,
  NODE_ENV: z.string().optional(),
})

/** Reads the environment, once, here and nowhere else. Throws `CONFIG_INVALID` naming each variable to mend. */
export function readEnvironment(environment: NodeJS.ProcessEnv): ServerConfig {
  // An empty variable is one that somebody meant to unset.
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = environmentSchema.safeParse(given)
  const secrets = readEnvironmentSecrets(environment)
  if (!parsed.success || secrets.problems.length > 0) {
    const issues = parsed.error?.issues ?? []
    const problems = [
      ...issues.map(({ path, message }) => `${String(path[0])}: ${message}`),
      ...secrets.problems,
    ]
    throw new LumeError(
      'CONFIG_INVALID',
      `these environment variables cannot be used: ${[...new Set(problems)].join('; ')}`,
    )
  }
  const { HOST, PORT, DATABASE_URL, LUME_EXPLORABLE, LUME_METRICS, NODE_ENV, ...lume } = parsed.data
  const authentication = {
    keys: lume.LUME_API_KEYS,
    jwt: readJwtSettings(lume),
    isRequired: lume.LUME_REQUIRE_AUTHENTICATION,
  }
  requireSafeHost(HOST, authentication)
  return {
    host: HOST,
    port: PORT,
    isExplorable: LUME_EXPLORABLE ?? (NODE_ENV !== 'production' && isLoopback(HOST)),
    authentication,
    corsOrigins: lume.LUME_CORS_ORIGINS,
    requestsPerMinute: lume.LUME_RATE_LIMIT,
    maxSubscriptions: lume.LUME_MAX_SUBSCRIPTIONS,
    maxConnectionsOfAddress: lume.LUME_MAX_CONNECTIONS_PER_ADDRESS,
    maxConnections: lume.LUME_MAX_CONNECTIONS,
    maxWebSockets: lume.LUME_MAX_WEBSOCKETS,
    persistedDocuments: lume.LUME_PERSISTED_DOCUMENTS,
    hasOpenMetrics: LUME_METRICS && LUME_METRICS === 'open',
    warnings: warningsOf(given),
    lume: lumeConfigSchema.parse({
      databaseUrl: DATABASE_URL,
      dataDir: lume.LUME_DATA_DIR,
      role: lume.LUME_ROLE,
      concurrency: lume.LUME_CONCURRENCY,
      // A worker process may serve an API whose settings it does not have.
      ownerPlacesPercent:
        lume.LUME_OWNER_PLACES_PERCENT ??
        (isAuthenticated(authentication) || lume.LUME_ROLE === 'worker' ? OWNER_PLACES_PERCENT : undefined),
      ownerWeights: lume.LUME_OWNER_WEIGHTS,
      leaseMs: lume.LUME_LEASE_MS,
      maxBlockedMs: lume.LUME_MAX_BLOCKED_MS,
      blockWaitMs: lume.LUME_BLOCK_WAIT_MS,
      shutdownGraceMs: lume.LUME_SHUTDOWN_GRACE_MS,
      maxDefinitionNodes: lume.LUME_MAX_NODES,
      maxDescendants: lume.LUME_MAX_DESCENDANTS,
      maxOpenExecutions: lume.LUME_MAX_OPEN_EXECUTIONS,
      maxStoredBytes: lume.LUME_MAX_STORED_BYTES,
      maxWorkflows: lume.LUME_MAX_WORKFLOWS,
      maxSchedules: lume.LUME_MAX_SCHEDULES,
      maxSecrets: lume.LUME_MAX_SECRETS,
      maxApiKeys: lume.LUME_MAX_API_KEYS,
      queryTimeoutMs: lume.LUME_QUERY_TIMEOUT_MS,
      blockModules: lume.LUME_BLOCKS,
      allowPrivateHosts: lume.LUME_ALLOW_PRIVATE_HOSTS,
      secrets: secrets.values,
      // Without authentication everybody who gets here is the local user.
      secretOwners: isAuthenticated(authentication)
        ? lume.LUME_ENV_SECRETS_OWNERS
        : [LOCAL_USER, ...lume.LUME_ENV_SECRETS_OWNERS],
      secretKeys: lume.LUME_SECRET_KEY,
      providers: {
        apify: { baseUrl: lume.APIFY_BASE_URL },
        apollo: { baseUrl: lume.APOLLO_BASE_URL },
        hunter: { baseUrl: lume.HUNTER_BASE_URL },
        mixedbread: { baseUrl: lume.MIXEDBREAD_BASE_URL },
        openrouter: { baseUrl: lume.OPENROUTER_BASE_URL },
        meta: { baseUrl: lume.META_BASE_URL },
      },
      logLevel: lume.LUME_LOG_LEVEL,
      stepLogLevel: lume.LUME_STEP_LOG_LEVEL,
    }),
  }
}

/** Names with which a value reaches a setting or a secret. */
const KNOWN_VARIABLES = [...Object.keys(environmentSchema.shape), ...SECRET_VARIABLES]

function warningsOf(given: Readonly<Record<string, string | undefined>>): readonly string[] {
  const warning = unknownVariablesWarning(given, KNOWN_VARIABLES)
  return warning === null ? [] : [warning]
}

type Environment = Omit<z.output<typeof environmentSchema>, 'HOST' | 'PORT'>

function readJwtSettings(environment: Environment): JwtSettings | null {
  const { LUME_JWT_SECRET: secret, LUME_JWT_JWKS_URL: url } = environment
  const { LUME_JWT_ISSUER: issuer = null, LUME_JWT_AUDIENCE: audience = null } = environment
  const key = jwtKey(secret, url)
  if (!key) return null
  if (key.kind === 'jwks' && (issuer === null || audience === null)) {
    throw new LumeError(
      'CONFIG_INVALID',
      'LUME_JWT_JWKS_URL needs LUME_JWT_ISSUER and LUME_JWT_AUDIENCE, too: an issuer signs tokens for others as well',
    )
  }
  return {
    key,
    issuer,
    audience,
    ownerClaim: environment.LUME_JWT_OWNER_CLAIM,
    roleClaim: environment.LUME_JWT_ROLE_CLAIM,
    defaultRole: environment.LUME_JWT_DEFAULT_ROLE,
  }
}

function jwtKey(secret: string | undefined, url: string | undefined): JwtSettings['key'] | null {
  if (secret !== undefined && url !== undefined) {
    throw new LumeError('CONFIG_INVALID', 'LUME_JWT_SECRET and LUME_JWT_JWKS_URL exclude each other: set one')
  }
  if (secret !== undefined) return { kind: 'secret', secret }
  return url === undefined ? null : { kind: 'jwks', url }
}

/** Keys that come over a network in clear could be anybody's. */
function isSafeKeysUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text
}
