import { z } from 'zod'
import { completed, defineBlock, type Block, type BlockContext } from '../../../engine/block/index.ts'
import { PROVIDER_RETRY } from '../shared/index.ts'
import type { ApifyClient } from './apify-client.ts'
import { datasetOutput, readDataset, reportPages } from './dataset-items.ts'
import { sampleItems } from './sample.ts'

const configSchema = z.strictObject({
  datasetId: z
    .string()
    .regex(/^[a-z\d][\w.-]*(~[a-z\d][\w.-]*)?$/i, 'is not a dataset’s id')
    .describe('The dataset: its id, or `username~name`.'),
  offset: z.int().min(0).default(0).describe('How many items to leave out at the beginning.'),
  maxResults: z.int().min(1).max(100_000).default(1_000).describe('At most how many items to read.'),
  fields: z.array(z.string().min(1)).default([]).describe('Only these fields of every item; empty: all.'),
  clean: z.boolean().default(true).describe('Leaves out empty items and hidden fields.'),
})
type ReadDatasetConfig = z.output<typeof configSchema>

/** `api.apify.readDataset`: reads change nothing and cost nothing, so they may be repeated. */
export function readDatasetBlock({ client }: { client: ApifyClient }): Block {
  return defineBlock({
    type: 'api.apify.readDataset',
    name: 'Read an Apify dataset',
    description: 'Reads the items of a dataset that an actor has filled.',
    icon: 'table',
    effect: 'external',
    repeat: 'safe',
    secrets: ['apify'],
    config: configSchema,
    output: z.object(datasetOutput),
    retry: PROVIDER_RETRY,
    sample: sampleDataset({ maxResults: 1 }, () => 0.5),
    sampleFor: ({ config, random }) => sampleDataset(config, random),
    estimate: ({ config }) => ({ durationMs: 500 * Math.ceil(config.maxResults / 250), costUsd: 0 }),
    async run(context: BlockContext<ReadDatasetConfig>) {
      const { config, secrets, clock, signal, answers, random } = context
      const { maxResults: maxItems, ...wish } = config
      const credential = secrets.get('apify')
      const onPage = reportPages(context, { maxItems, from: 0 })
      return completed(
        await readDataset(
          client,
          { ...wish, maxItems },
          { credential, clock, signal, answers, random, onPage },
        ),
      )
    },
  })
}

function sampleDataset({ maxResults }: { readonly maxResults: number }, random: () => number) {
  const items = sampleItems({ targets: ['acme'], resultsPerTarget: Math.min(10, maxResults) }, random)
  return { items, failures: [], total: items.length, isCut: false }
}
