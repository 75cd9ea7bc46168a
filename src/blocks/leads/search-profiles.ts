import { z } from 'zod'
import { completed, defineBlock, type Block, type BlockContext } from '../../engine/block/index.ts'
import { isJsonObject } from '../../lib/json/index.ts'
import {
  runActor,
  runActorConfigSchema,
  sampleItems,
  type ApifyClient,
  type RunActorConfig,
} from '../providers/apify/index.ts'
import { PROVIDER_RETRY } from '../providers/shared/index.ts'
import { profileContact } from './contact.ts'
import { searchResult, searchResultSchema } from './search-result.ts'

/** Maximum number of profiles of one search. */
export const MAX_PROFILES = 1_000
const DEFAULT_TIMEOUT_SECS = 15 * 60
const MAX_TIMEOUT_SECS = 24 * 60 * 60
/** The run's own time limit ends it long before. */
const STEP_TIMEOUT_MS = (MAX_TIMEOUT_SECS + 60 * 60) * 1_000
const HEARTBEAT_MS = 10 * 60_000
const PROFILE_MS = 200
const START_MS = 30_000

/** Which profiles are looked up. */
export const profileSearchSchema = z.strictObject({
  targets: z
    .array(z.string().min(1))
    .min(1)
    .max(MAX_PROFILES)
    .describe('Names of Instagram profiles, or their URLs.'),
  timeoutSecs: z
    .int()
    .min(1)
    .max(MAX_TIMEOUT_SECS)
    .default(DEFAULT_TIMEOUT_SECS)
    .describe('How long the run may take on Apify, in seconds.'),
  maxCostUsd: z.number().positive().optional().describe('At most what the run may cost, in US dollars.'),
})
type SearchConfig = z.output<typeof profileSearchSchema>

/**
 * `job.searchProfiles`: what a SEARCH job for profiles runs. The run costs money from its start on; its id is recorded at
 * once, and after a crash the step finds it again. A cancel aborts it.
 */
export function searchProfilesJobBlock({ client }: { client: ApifyClient }): Block {
  return defineBlock({
    type: 'job.searchProfiles',
    name: 'Search contacts with Apify',
    description: 'Looks up Instagram profiles and gives each of them once, as a contact.',
    category: 'api',
    icon: 'scan-search',
    effect: 'external',
    repeat: 'never',
    secrets: ['apify'],
    config: profileSearchSchema,
    output: searchResultSchema,
    retry: PROVIDER_RETRY,
    timeoutMs: STEP_TIMEOUT_MS,
    heartbeatMs: HEARTBEAT_MS,
    sample: sampleContacts({ targets: ['acme'] }, () => 0.5),
    sampleFor: ({ config, random }) => sampleContacts(config, random),
    estimate: ({ config }) => ({ durationMs: START_MS + PROFILE_MS * config.targets.length }),
    async run(context: BlockContext<SearchConfig>) {
      const { items, total } = await runActor(client, actorConfig(context.config), context)
      return completed(searchResult(items.filter(isJsonObject).map(profileContact), total))
    },
  })
}

function actorConfig({ targets, timeoutSecs, maxCostUsd }: SearchConfig): RunActorConfig {
  return runActorConfigSchema.parse({
    preset: 'instagram.profiles',
    targets,
    resultsPerTarget: 1,
    maxResults: targets.length,
    timeoutSecs,
    maxCostUsd,
  })
}

function sampleContacts({ targets }: Pick<SearchConfig, 'targets'>, random: () => number) {
  const items = sampleItems({ preset: 'instagram.profiles', targets, resultsPerTarget: 1 }, random)
  return searchResult(items.filter(isJsonObject).map(profileContact), items.length)
}
