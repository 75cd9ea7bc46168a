import { z } from 'zod'
import { completed, defineBlock, type Block, type BlockContext } from '../../../engine/block/index.ts'
import { isJsonObject, type JsonObject } from '../../../lib/json/index.ts'
import { PROVIDER_RETRY } from '../shared/index.ts'
import { AUDIENCE_KEY_NAMES, AUDIENCE_KEYS } from './audience-keys.ts'
import { audienceRows, type AudienceFields, type AudienceRows } from './audience-rows.ts'
import { countryCode } from './country-code.ts'
import type { MetaClient } from './meta-client.ts'
import {
  afterBatch,
  nextBatch,
  startUpload,
  uploadProgressSchema,
  type UploadProgress,
} from './upload-progress.ts'

const MAX_ROWS_PER_CALL = 10_000
const CALL_MS = 3_000
const TIMEOUT_MS = 60 * 60_000
const CHECKPOINT = 'upload'

/** Whom to upload, and where to: what every upload is told. */
export const uploadTarget = {
  audienceId: z.string().regex(/^\d+$/, 'is not the number of an audience').describe('The audience’s id.'),
  contacts: z
    .array(z.custom<JsonObject>(isJsonObject, 'must be an object'))
    .describe('The people. What is known of them is normalised and hashed here; Meta gets only hashes.'),
}

/** How contacts are read and sent. */
export const uploadOptions = {
  fields: z
    .partialRecord(z.enum(AUDIENCE_KEY_NAMES), z.string().min(1).nullable())
    .default({})
    .describe(
      'Under which name contacts carry what Meta matches by, such as { "FN": "first_name" }; null leaves a key out. Default: email, phone, firstName, lastName, city, state, zip, country…',
    ),
  defaultCountry: z
    .string()
    .transform(countryCode)
    .refine((code) => code !== null, 'is no country')
    .optional()
    .describe(
      'The country of contacts that tell none, such as "US": how to read their phone numbers and ZIP codes.',
    ),
  action: z
    .enum(['add', 'remove'])
    .default('add')
    .describe('Whether the people come into the audience or leave it.'),
  batchSize: z
    .int()
    .min(1)
    .max(MAX_ROWS_PER_CALL)
    .default(MAX_ROWS_PER_CALL)
    .describe('How many people are sent in one call.'),
}

const configSchema = z.strictObject({ ...uploadTarget, ...uploadOptions })
type UploadConfig = z.output<typeof configSchema>

export const uploadOutputSchema = z.object({
  audienceId: z.string().describe('The audience’s id.'),
  sent: z.int().describe('How many people were sent.'),
  received: z
    .int()
    .describe('How many Meta says to have received. Whom it finds takes up to a day and is not told.'),
  skipped: z.int().describe('Contacts without anything by which they could be found.'),
  duplicates: z.int().describe('Contacts that were the same as one before.'),
  invalidValues: z.int().describe('Values that were left out because they are not what their field is for.'),
  invalidSamples: z
    .array(z.object({ index: z.int(), key: z.enum(AUDIENCE_KEY_NAMES), reason: z.string() }))
    .describe('The first hundred of them: which contact, which key, and why; never the value.'),
  invalidEntries: z.int().describe('Entries of which Meta says that it cannot read them.'),
  invalidEntrySamples: z.array(z.json()).describe('The first of them, in Meta’s words.'),
})

/**
 * `api.meta.uploadAudience`: puts people into a custom audience. An audience is a set, so that a batch that is sent twice
 * changes nothing; after every batch it is recorded how far the upload has come, and none is sent again after a crash.
 */
export function uploadAudienceBlock({ client }: { client: MetaClient }): Block {
  return defineBlock({
    type: 'api.meta.uploadAudience',
    name: 'Upload to a Meta audience',
    description:
      'Normalises and hashes contacts and adds them to a custom audience, or removes them from it.',
    icon: 'upload',
    effect: 'external',
    repeat: 'safe',
    secrets: ['meta'],
    config: configSchema,
    output: uploadOutputSchema,
    retry: PROVIDER_RETRY,
    timeoutMs: TIMEOUT_MS,
    sample: sampleUpload('6008000000000', 500),
    sampleFor: ({ config }) => sampleUpload(config.audienceId, config.contacts.length),
    estimate: ({ config }) => ({
      durationMs: CALL_MS * Math.ceil(config.contacts.length / config.batchSize),
      costUsd: 0,
    }),
    async run(context: BlockContext<UploadConfig>) {
      return completed(await uploadAudience(client, context.config, context))
    },
  })
}

type Recorder = Pick<
  BlockContext,
  'secrets' | 'signal' | 'clock' | 'answers' | 'progress' | 'idempotencyKey' | 'checkpoint' | 'checkpoints'
>

/** Sends all contacts, in as many calls as it takes, and goes on where an attempt before has stopped. */
export async function uploadAudience(
  client: Pick<MetaClient, 'upload'>,
  config: UploadConfig,
  context: Recorder,
) {
  const defaultCountry = config.defaultCountry ?? null
  const fields = fieldsOf(config.fields)
  const made = await audienceRows(config.contacts, { fields, defaultCountry })
  const { received, invalidEntries, invalidSamples } =
    made.rows.length <= config.batchSize
      ? await uploadAtOnce(client, made, { config, context })
      : await uploadInBatches(client, made, { config, context })
  return {
    audienceId: config.audienceId,
    sent: made.rows.length,
    received,
    skipped: made.skipped,
    duplicates: made.duplicates,
    invalidValues: made.invalidValues,
    invalidSamples: made.invalidSamples,
    invalidEntries,
    invalidEntrySamples: invalidSamples,
  }
}

function fieldsOf(chosen: UploadConfig['fields']): AudienceFields {
  return AUDIENCE_KEY_NAMES.flatMap((key) => {
    const field = chosen[key] === undefined ? AUDIENCE_KEYS[key].field : chosen[key]
    return field === null ? [] : [[key, field] as const]
  })
}

function callerOf({ secrets, signal, clock, answers }: Recorder) {
  return { credential: secrets.get('meta'), signal, clock, answers }
}

interface Uploading {
  readonly config: UploadConfig
  readonly context: Recorder
}

async function uploadAtOnce(
  client: Pick<MetaClient, 'upload'>,
  { keys, rows }: AudienceRows,
  { config: { audienceId, action }, context }: Uploading,
) {
  if (rows.length === 0) return { received: 0, invalidEntries: 0, invalidSamples: [] }
  return client.upload({ audienceId, action, keys, rows, session: null }, callerOf(context))
}

async function uploadInBatches(
  client: Pick<MetaClient, 'upload'>,
  { keys, rows }: AudienceRows,
  { config, context }: Uploading,
) {
  const { clock, idempotencyKey, checkpoint, checkpoints } = context
  const { audienceId, action, batchSize } = config
  const before = uploadProgressSchema.safeParse(checkpoints[CHECKPOINT]).data ?? null
  let at = startUpload(before, { idempotencyKey, rows: rows.length, now: clock.now() })
  // Recorded before its first batch: whoever goes on with the session has to know that it is open, and since when.
  if (at !== before) await checkpoint(CHECKPOINT, at)
  while (at.sentRows < rows.length) {
    const batch = rows.slice(at.sentRows, at.sentRows + batchSize)
    const isLast = at.sentRows + batch.length === rows.length
    const session = nextBatch(at, isLast)
    const receipt = await client.upload({ audienceId, action, keys, rows: batch, session }, callerOf(context))
    at = afterBatch(at, batch.length, receipt)
    await checkpoint(CHECKPOINT, at)
    context.progress(at.sentRows / rows.length, `${at.sentRows} of ${rows.length} people sent`)
  }
  return { ...at, received: receivedIn(at) }
}

function receivedIn({ receivedBefore, session }: UploadProgress): number {
  return receivedBefore + session.received
}

export function sampleUpload(audienceId: string, contacts: number) {
  return {
    audienceId,
    sent: contacts,
    received: contacts,
    skipped: 0,
    duplicates: 0,
    invalidValues: 0,
    invalidSamples: [],
    invalidEntries: 0,
    invalidEntrySamples: [],
  }
}
