import { z } from 'zod'
import { parseAllowedHost } from './blocks/api/http/address-policy.ts'
import { providerSettingsSchema } from './blocks/api/provider/provider-settings.ts'
import { LumeError } from './lib/errors.ts'
import { LOG_LEVELS } from './lib/logger.ts'

export const ROLES = ['all', 'api', 'worker'] as const

/** What a Lume is made of; `createLume` takes any part of it. */
export const lumeConfigSchema = z.object({
  databaseUrl: z
    .string()
    .min(1)
    .optional()
    .describe('A Postgres server, 15 or newer; unset: the embedded database.'),
  dataDir: z.string().min(1).default('.lume').describe('Where the embedded database lives.'),
  role: z.enum(ROLES).default('all').describe('`api` answers requests, `worker` runs jobs, `all` does both.'),
  concurrency: z.int().min(1).max(1_000).default(50).describe('How many jobs run here at the same time.'),
  leaseMs: z
    .int()
    .min(300)
    .max(600_000)
    .default(15_000)
    .describe('How long a worker holds a job without a sign of life, in milliseconds.'),
  allowPrivateHosts: z
    .array(z.string().refine((host) => parseAllowedHost(host) !== null, 'is not a host or host:port'))
    .default([])
    .describe('Hosts that `api.http` may reach although they are not public.'),
  providers: providerSettingsSchema.prefault({}).describe('Where the providers of blocks are reached.'),
  logLevel: z.enum(LOG_LEVELS).default('info'),
})
export type LumeConfig = z.output<typeof lumeConfigSchema>
/** What `createLume` takes: everything has a default. */
export type LumeOptions = z.input<typeof lumeConfigSchema>

export interface ServerConfig {
  readonly host: string
  readonly port: number
  /** Whether anybody may read the schema, and GraphiQL is served. */
  readonly isExplorable: boolean
  readonly lume: LumeConfig
}

/** A number as people write it: Number() itself would also take "", " ", "0x10" and "1e3". */
const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, 'is no whole number')
  .transform(Number)

const environmentSchema = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: wholeNumber.pipe(z.number().max(65_535)).default(4_000),
  DATABASE_URL: lumeConfigSchema.shape.databaseUrl,
  LUME_DATA_DIR: lumeConfigSchema.shape.dataDir,
  LUME_ROLE: lumeConfigSchema.shape.role,
  LUME_CONCURRENCY: wholeNumber.pipe(lumeConfigSchema.shape.concurrency.removeDefault()).optional(),
  LUME_LEASE_MS: wholeNumber.pipe(lumeConfigSchema.shape.leaseMs.removeDefault()).optional(),
  LUME_ALLOW_PRIVATE_HOSTS: z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((host) => host.trim())
        .filter(Boolean),
    )
    .pipe(lumeConfigSchema.shape.allowPrivateHosts.removeDefault())
    .optional(),
  APIFY_BASE_URL: providerSettingsSchema.shape.apify.unwrap().shape.baseUrl,
  APOLLO_BASE_URL: providerSettingsSchema.shape.apollo.unwrap().shape.baseUrl,
  HUNTER_BASE_URL: providerSettingsSchema.shape.hunter.unwrap().shape.baseUrl,
  MIXEDBREAD_BASE_URL: providerSettingsSchema.shape.mixedbread.unwrap().shape.baseUrl,
  OPENROUTER_BASE_URL: providerSettingsSchema.shape.openrouter.unwrap().shape.baseUrl,
  META_BASE_URL: providerSettingsSchema.shape.meta.unwrap().shape.baseUrl,
  LUME_EXPLORABLE: z.enum(['yes', 'no']).optional(),
  LUME_LOG_LEVEL: lumeConfigSchema.shape.logLevel,
  NODE_ENV: z.string().optional(),
})

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i

/** Whether only this machine can reach a server that listens there. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host)
}

/** Reads the environment, once, here and nowhere else. Throws `CONFIG_INVALID` naming each variable to mend. */
export function readEnvironment(environment: NodeJS.ProcessEnv): ServerConfig {
  // An empty variable is one that somebody meant to unset.
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = environmentSchema.safeParse(given)
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${String(path[0])}: ${message}`)
    throw new LumeError(
      'CONFIG_INVALID',
      `these environment variables cannot be used: ${[...new Set(problems)].join('; ')}`,
    )
  }
  const { HOST, PORT, DATABASE_URL, LUME_EXPLORABLE, NODE_ENV, ...lume } = parsed.data
  if (!isLoopback(HOST)) {
    const why = 'this build has no authentication yet, so whoever reaches the port may do everything'
    throw new LumeError(
      'HOST_NOT_LOOPBACK',
      `HOST=${HOST} is refused: ${why}; use 127.0.0.1 and a proxy that authenticates`,
    )
  }
  return {
    host: HOST,
    port: PORT,
    isExplorable: LUME_EXPLORABLE ? LUME_EXPLORABLE === 'yes' : NODE_ENV !== 'production',
    lume: lumeConfigSchema.parse({
      databaseUrl: DATABASE_URL,
      dataDir: lume.LUME_DATA_DIR,
      role: lume.LUME_ROLE,
      concurrency: lume.LUME_CONCURRENCY,
      leaseMs: lume.LUME_LEASE_MS,
      allowPrivateHosts: lume.LUME_ALLOW_PRIVATE_HOSTS,
      providers: {
        apify: { baseUrl: lume.APIFY_BASE_URL },
        apollo: { baseUrl: lume.APOLLO_BASE_URL },
        hunter: { baseUrl: lume.HUNTER_BASE_URL },
        mixedbread: { baseUrl: lume.MIXEDBREAD_BASE_URL },
        openrouter: { baseUrl: lume.OPENROUTER_BASE_URL },
        meta: { baseUrl: lume.META_BASE_URL },
      },
      logLevel: lume.LUME_LOG_LEVEL,
    }),
  }
}
