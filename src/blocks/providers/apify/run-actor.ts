import { z } from 'zod'
import {
  BlockError,
  completed,
  defineBlock,
  type Block,
  type BlockContext,
} from '../../../engine/block/index.ts'
import { anyJson, type Json } from '../../../lib/json/index.ts'
import { shorten } from '../../../lib/text/index.ts'
import { PROVIDER_RETRY } from '../shared/index.ts'
import type { ApifyClient, ApifyRun, RunStart } from './apify-client.ts'
import { datasetOutput, readDataset, reportPages } from './dataset-items.ts'
import { APIFY_PRESETS, presetRun } from './presets.ts'
import { completeRun, RUNNING_FRACTION } from './run-wait.ts'
import { sampleItems } from './sample.ts'

const MAX_RUN_SECS = 24 * 60 * 60
/** The actor's own time limit ends a run long before; this one is for a provider that never says that it did. */
const STEP_TIMEOUT_MS = (MAX_RUN_SECS + 60 * 60) * 1_000
/** Every poll is a sign of life, and a poll is held open for a minute. */
const HEARTBEAT_MS = 10 * 60_000
/** What the preset's actor costs for one result, in US dollars: the list price of the Instagram scraper. */
const USD_PER_RESULT = 0.0023

export const runActorConfigSchema = z
  .strictObject({
    preset: z
      .enum(APIFY_PRESETS)
      .optional()
      .describe('A ready-made actor and input, in place of `actor`; takes `targets`.'),
    targets: z
      .array(z.string().min(1))
      .max(1_000)
      .default([])
      .describe('For presets: names of profiles or hashtags, or URLs (of posts, for comments).'),
    resultsPerTarget: z
      .int()
      .min(1)
      .max(10_000)
      .default(20)
      .describe('For presets: at most how many results each target may give.'),
    newerThan: z
      .string()
      .optional()
      .describe('For presets: only posts newer than a date ("2027-01-31") or an age ("10 days").'),
    actor: z
      .string()
      .regex(
        /^[a-z\d][\w.-]*([~/][a-z\d][\w.-]*)?$/i,
        'is not an actor’s id or name such as "apify/instagram-scraper"',
      )
      .optional()
      .describe('The actor: its id, or its name such as "apify/instagram-scraper".'),
    input: z
      .record(z.string(), anyJson())
      .default({})
      .describe('The actor’s input. With a preset, further fields that win over its own.'),
    timeoutSecs: z
      .int()
      .min(1)
      .max(MAX_RUN_SECS)
      .default(15 * 60)
      .describe('How long the run may take on Apify, in seconds.'),
    memoryMbytes: z.int().min(128).optional().describe('Memory of the run: a power of two, in megabytes.'),
    build: z.string().optional().describe('The actor’s build, by tag or number.'),
    maxItems: z.int().min(1).optional().describe('At most how many results may be charged.'),
    maxCostUsd: z.number().positive().optional().describe('At most what the run may cost, in US dollars.'),
    maxResults: z
      .int()
      .min(1)
      .max(100_000)
      .default(1_000)
      .describe('At most how many items are read from the run’s dataset into the output.'),
    fields: z.array(z.string().min(1)).default([]).describe('Only these fields of every item; empty: all.'),
    acceptFailedRun: z
      .boolean()
      .default(false)
      .describe(
        'Whether a run that failed or ran out of time completes the step with the items it has left.',
      ),
  })
  .superRefine(({ preset, actor, targets }, context) => {
    const complain = (path: string, message: string) =>
      context.addIssue({ code: 'custom', message, path: [path] })
    if (preset && actor) complain('actor', 'is chosen by the preset: leave it out')
    if (!preset && !actor) complain('actor', 'is required where there is no preset')
    if (preset && targets.length === 0) complain('targets', 'is required for a preset')
  })
export type RunActorConfig = z.output<typeof runActorConfigSchema>

const outputSchema = z.object({
  runId: z.string().describe('The run’s id on Apify.'),
  status: z
    .string()
    .describe('How it ended: SUCCEEDED, or FAILED, TIMED-OUT or ABORTED where that is accepted.'),
  datasetId: z.string().describe('The dataset with all results.'),
  ...datasetOutput,
  costUsd: z
    .number()
    .nullable()
    .describe('What the run has cost so far as Apify knows; null: it does not say.'),
})

/**
 * `api.apify.runActor`. The run costs money from its start on, so its id is recorded at once: after a crash the step
 * finds the run again instead of starting another one.
 */
export function runActorBlock({ client }: { client: ApifyClient }): Block {
  return defineBlock({
    type: 'api.apify.runActor',
    name: 'Run an Apify actor',
    description:
      'Starts an actor, such as a scraper, waits until its run is over, and gives back the results. Presets scrape Instagram.',
    icon: 'bot',
    effect: 'external',
    repeat: 'never',
    secrets: ['apify'],
    config: runActorConfigSchema,
    output: outputSchema,
    retry: PROVIDER_RETRY,
    timeoutMs: STEP_TIMEOUT_MS,
    heartbeatMs: HEARTBEAT_MS,
    sample: sampleRun({ preset: 'instagram.posts', targets: ['acme'], resultsPerTarget: 1 }, () => 0.5),
    sampleFor: ({ config, random }) => sampleRun(config, random),
    estimate: ({ config }) => estimate(config),
    async run(context: BlockContext<RunActorConfig>) {
      return completed(await runActor(client, context.config, context))
    },
  })
}

/** Brings a run to its end, or finds it again after a crash, and reads what it gave. */
export async function runActor(
  client: ApifyClient,
  config: RunActorConfig,
  context: Omit<BlockContext, 'config'>,
) {
  const { secrets, clock, signal, answers, random } = context
  const credential = secrets.get('apify')
  const run = await completeRun(client, { start: startOf(config), credential, context })
  const isSuccess = run.status === 'SUCCEEDED'
  if (!isSuccess && !config.acceptFailedRun) {
    countCost(context, run)
    throw runFailed(run)
  }
  const onPage = reportPages(context, { maxItems: config.maxResults, from: RUNNING_FRACTION })
  const dataset = await readDataset(
    client,
    {
      datasetId: run.defaultDatasetId,
      offset: 0,
      maxItems: config.maxResults,
      clean: true,
      fields: config.fields,
    },
    { credential, clock, signal, answers, random, onPage },
  )
  // Last, so that an attempt that fails before does not count a run that the next one finds again.
  countCost(context, run)
  return {
    runId: run.id,
    status: run.status,
    datasetId: run.defaultDatasetId,
    ...dataset,
    costUsd: run.usageTotalUsd ?? null,
  }
}

function startOf(config: RunActorConfig): RunStart {
  const { preset, actor = '', input, newerThan = null, ...options } = config
  const chosen = preset ? presetRun({ ...options, preset, newerThan }) : { actor, input: {} }
  return { ...options, actor: chosen.actor, input: { ...chosen.input, ...input } }
}

function countCost({ usage }: Pick<BlockContext, 'usage'>, { usageTotalUsd }: ApifyRun): void {
  usage({ quantities: { apifyRuns: 1 }, ...(usageTotalUsd != null && { costUsd: usageTotalUsd }) })
}

/** Final: another attempt would find the same run. */
function runFailed({ id, status, statusMessage, defaultDatasetId }: ApifyRun): BlockError {
  const words = statusMessage ? `: ${shorten(statusMessage, 500)}` : ''
  return new BlockError('APIFY_RUN_FAILED', `The run ${id} ended as ${status}${words}`, {
    details: { runId: id, status, datasetId: defaultDatasetId },
  })
}

type Scraping = Partial<Pick<RunActorConfig, 'preset'>> &
  Pick<RunActorConfig, 'targets' | 'resultsPerTarget'> & { readonly maxResults?: number }

function sampleRun(config: Scraping, random: () => number): Json {
  const items = sampleItems(config, random)
  return {
    runId: 'HG7ML7M8z78YcAPEB',
    status: 'SUCCEEDED',
    datasetId: 'wmKPijuyDnPZAPRMk',
    items,
    failures: [],
    total: items.length,
    isCut: false,
    costUsd: costOf(items.length),
  }
}

function estimate({ preset, targets, resultsPerTarget, maxCostUsd, timeoutSecs }: RunActorConfig) {
  const results = targets.length * resultsPerTarget
  const seconds = Math.min(timeoutSecs, 30 + results / 5)
  const costUsd = Math.min(maxCostUsd ?? Number.POSITIVE_INFINITY, costOf(results))
  return { durationMs: Math.round(seconds * 1_000), ...(preset && { costUsd }) }
}

/** In whole cents of a cent, so that sums stay readable. */
function costOf(results: number): number {
  return Math.round(results * USD_PER_RESULT * 10_000) / 10_000
}
