import { z } from 'zod'
import {
  BlockError,
  completed,
  defineBlock,
  type Block,
  type BlockContext,
} from '../../engine/block/index.ts'
import { isJsonObject, type Json, type JsonObject } from '../../lib/json/index.ts'
import {
  audienceSchema,
  findOrCreateAudience,
  sampleUpload,
  uploadAudience,
  uploadOptions,
  uploadOutputSchema,
  uploadTarget,
  type MetaClient,
} from '../providers/meta/index.ts'
import { PROVIDER_RETRY } from '../providers/shared/index.ts'

const TIMEOUT_MS = 60 * 60_000
const CALL_MS = 3_000
const SAMPLE_AUDIENCE = '6008000000000'
const SAMPLE_CONTACTS = 500

/** What other jobs of the same owner have given. */
export interface JobResults {
  /** The result of a completed job of whoever runs the execution; null: there is none. */
  resultOf(job: { readonly executionId: string; readonly jobId: string }): Promise<{ result: Json } | null>
}

export const NO_RESULTS: JobResults = { resultOf: () => Promise.resolve(null) }

/** Whom to upload, and to which audience. */
export const contactUploadSchema = z
  .strictObject({
    audienceId: uploadTarget.audienceId
      .optional()
      .describe('The custom audience, by its id. Either this or `audience`.'),
    audience: audienceSchema
      .optional()
      .describe('The custom audience, by its ad account and name; made where there is none.'),
    contacts: uploadTarget.contacts
      .optional()
      .describe('The people. Either these or `fromJobId`. Meta gets only hashes of what identifies them.'),
    fromJobId: z
      .string()
      .optional()
      .describe('A completed job, such as a search, whose result holds the people.'),
    ...uploadOptions,
  })
  .superRefine(({ audienceId, audience, contacts, fromJobId }, context) => {
    const complain = (message: string) => context.addIssue({ code: 'custom', message })
    if ((audienceId === undefined) === (audience === undefined))
      complain('must have exactly one of audienceId and audience')
    if ((contacts === undefined) === (fromJobId === undefined))
      complain('must have exactly one of contacts and fromJobId')
  })
type UploadConfig = z.output<typeof contactUploadSchema>

/**
 * `job.uploadToMeta`: what an UPLOAD_TO_META job runs. The audience is looked for by name before it is made, and an
 * audience is a set, so that the whole may be repeated; how far an upload has come is recorded after every batch.
 */
export function uploadContactsJobBlock(ports: { client: MetaClient; results: JobResults }): Block {
  const { client, results } = ports
  return defineBlock({
    type: 'job.uploadToMeta',
    name: 'Upload contacts to Meta',
    description:
      'Uploads contacts, given or of another job’s result, to a custom audience, which is made where there is none.',
    category: 'api',
    icon: 'cloud-upload',
    effect: 'external',
    repeat: 'safe',
    secrets: ['meta'],
    config: contactUploadSchema,
    output: uploadOutputSchema,
    retry: PROVIDER_RETRY,
    timeoutMs: TIMEOUT_MS,
    sample: sampleUpload(SAMPLE_AUDIENCE, SAMPLE_CONTACTS),
    sampleFor: ({ config }) =>
      sampleUpload(config.audienceId ?? SAMPLE_AUDIENCE, config.contacts?.length ?? SAMPLE_CONTACTS),
    estimate: ({ config }) => ({
      durationMs: CALL_MS * Math.max(1, Math.ceil((config.contacts?.length ?? 0) / config.batchSize)),
      costUsd: 0,
    }),
    async run(context: BlockContext<UploadConfig>) {
      const { fields, defaultCountry, action, batchSize } = context.config
      const contacts = await contactsOf(context, results)
      const audienceId = await audienceOf(context, client)
      const upload = { audienceId, contacts, fields, defaultCountry, action, batchSize }
      return completed(await uploadAudience(client, upload, context))
    },
  })
}

async function contactsOf(
  { config: { contacts, fromJobId = '' }, execution, log }: BlockContext<UploadConfig>,
  results: JobResults,
): Promise<JsonObject[]> {
  if (contacts) return contacts
  const found = await results.resultOf({ executionId: execution.id, jobId: fromJobId })
  if (!found) throw new BlockError('RESULT_MISSING', `there is no completed job "${fromJobId}"`)
  const people = contactsIn(found.result)
  if (!people) {
    throw new BlockError(
      'CONTACTS_MISSING',
      `the result of the job "${fromJobId}" holds no contacts: neither is it a list of objects, nor has it a list "contacts"`,
    )
  }
  log.info(`${people.length} contacts come from the job ${fromJobId}`)
  return people
}

/** A list of objects, or an object that has one as `contacts`. */
function contactsIn(result: Json): JsonObject[] | null {
  const list = isJsonObject(result) ? result['contacts'] : result
  return Array.isArray(list) && list.every((one) => isJsonObject(one as Json)) ? (list as JsonObject[]) : null
}

async function audienceOf(context: BlockContext<UploadConfig>, client: MetaClient): Promise<string> {
  const { audienceId, audience } = context.config
  if (audienceId !== undefined) return audienceId
  // One of the two is there: the schema says so.
  return (await findOrCreateAudience(client, audienceSchema.parse(audience), context)).audienceId
}
