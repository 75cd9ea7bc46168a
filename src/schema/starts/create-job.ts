import { MAX_PROFILES } from '../../blocks/leads/index.ts'
import type { InputProblem } from '../../engine/json-schema/index.ts'
import { readBlockJob, sourceState, type BlockJobType, type SourceState } from '../../jobs/index.ts'
import type { StartRequest, StartResult } from '../../jobs/start/index.ts'
import {
  IdempotencyConflictError,
  InputInvalidError,
  InvalidArgumentError,
  NotEndedError,
  NotFoundError,
  problemsText,
  QuotaExceededError,
  ValidationFailedError,
  WorkflowArchivedError,
} from '../errors/index.ts'
import { builder, type Context } from '../kit/index.ts'
import { startDefinitionSource } from './definition-source.ts'
import { readStartFields, startFields, workflowFields } from './start-fields.ts'
import { runFields, warningFields, type Started } from './started.ts'

/** Maximum number of people of one upload that are sent in place; they also fit into an input of 1 MiB. */
const CONTACTS_MAX_ITEMS = 50_000
/** Maximum number of values of one condition of a search for people. */
const SEARCH_MAX_ITEMS = 1_000

const SeniorityEnum = builder.enumType('Seniority', {
  description: 'How senior people are at their present employer.',
  values: {
    OWNER: { value: 'owner', description: 'Owns it.' },
    FOUNDER: { value: 'founder', description: 'Founded it.' },
    C_SUITE: { value: 'c_suite', description: 'Is one of its chiefs.' },
    PARTNER: { value: 'partner', description: 'Is a partner.' },
    VP: { value: 'vp', description: 'Is a vice president.' },
    HEAD: { value: 'head', description: 'Heads a department.' },
    DIRECTOR: { value: 'director', description: 'Is a director.' },
    MANAGER: { value: 'manager', description: 'Is a manager.' },
    SENIOR: { value: 'senior', description: 'Is a senior.' },
    ENTRY: { value: 'entry', description: 'Has begun there.' },
    INTERN: { value: 'intern', description: 'Is an intern.' },
  },
})

const PeopleSearchInput = builder.inputType('PeopleSearchInput', {
  description: 'Which people to find with Apollo; needs the secret `apollo`. All conditions must hold.',
  fields: (t) => ({
    titles: t.stringList({
      description: 'Job titles, such as "head of growth".',
      extensions: { maxItems: SEARCH_MAX_ITEMS },
    }),
    includeSimilarTitles: t.boolean({ description: 'Whether titles that are alike count; default yes.' }),
    keywords: t.string({ description: 'Words to look for in the whole profile.' }),
    locations: t.stringList({
      description: 'Where people live: cities, states, countries.',
      extensions: { maxItems: SEARCH_MAX_ITEMS },
    }),
    seniorities: t.field({ type: [SeniorityEnum], description: 'Seniority at the present employer.' }),
    organizationDomains: t.stringList({
      description: 'Domains of employers, such as "acme.com".',
      extensions: { maxItems: SEARCH_MAX_ITEMS },
    }),
    organizationLocations: t.stringList({
      description: 'Where employers have their headquarters.',
      extensions: { maxItems: SEARCH_MAX_ITEMS },
    }),
    organizationIds: t.stringList({
      description: 'Apollo’s ids of employers.',
      extensions: { maxItems: SEARCH_MAX_ITEMS },
    }),
    employeeRanges: t.stringList({
      description: 'How many people employers have: ranges such as "11,50".',
      extensions: { maxItems: SEARCH_MAX_ITEMS },
    }),
    revenueMin: t.int({ description: 'The least revenue of employers, without currency.' }),
    revenueMax: t.int({ description: 'The most revenue of employers, without currency.' }),
    filters: t.field({
      type: 'JSON',
      description: 'An object of further filters, under Apollo’s own names.',
    }),
    maxResults: t.int({ description: 'At most how many people to find: 1 to 5,000; default 100.' }),
    enrich: t.boolean({
      description:
        'Whether names and e-mail addresses are bought: a credit for each person found. Default no: there is no contact data then.',
    }),
    revealPersonalEmails: t.boolean({
      description: 'With `enrich`, whether private e-mail addresses are wanted, too; default no.',
    }),
  }),
})

const ProfileSearchInput = builder.inputType('ProfileSearchInput', {
  description: 'Which Instagram profiles to look up with Apify; needs the secret `apify`.',
  fields: (t) => ({
    targets: t.stringList({
      required: true,
      description: 'Names of profiles, or their URLs; at least one.',
      extensions: { maxItems: MAX_PROFILES },
    }),
    timeoutSecs: t.int({ description: 'How long the run may take on Apify, in seconds; default 900.' }),
    maxCostUsd: t.float({ description: 'At most what the run may cost, in US dollars.' }),
  }),
})

const SearchJobInput = builder.inputType('SearchJobInput', {
  description: 'Whom to search: exactly one of `people` and `profiles`.',
  fields: (t) => ({
    people: t.field({ type: PeopleSearchInput, description: 'People, by Apollo.' }),
    profiles: t.field({ type: ProfileSearchInput, description: 'Instagram profiles, by Apify.' }),
  }),
})

const MetaAudienceInput = builder.inputType('MetaAudienceInput', {
  description: 'A custom audience by its name, made where the account has none of it.',
  fields: (t) => ({
    accountId: t.string({ required: true, description: 'The ad account, such as "act_1234567890".' }),
    name: t.string({ required: true, description: 'What the audience is called.' }),
    description: t.string({ description: 'What it is for; only of a new audience.' }),
  }),
})

const UploadActionEnum = builder.enumType('UploadAction', {
  description: 'What an upload does with its people.',
  values: {
    ADD: { value: 'add', description: 'They come into the audience.' },
    REMOVE: { value: 'remove', description: 'They leave it.' },
  },
})

const UploadToMetaJobInput = builder.inputType('UploadToMetaJobInput', {
  description:
    'Whom to upload, one of `contacts` and `fromJobId`, and where to, one of `audienceId` and `audience`; needs the secret `meta`.',
  fields: (t) => ({
    audienceId: t.string({ description: 'A custom audience by Meta’s id.' }),
    audience: t.field({ type: MetaAudienceInput, description: 'A custom audience by its name.' }),
    contacts: t.field({
      type: ['JSON'],
      extensions: { maxItems: CONTACTS_MAX_ITEMS },
      description:
        'The people: objects with email, phone, firstName, lastName, city, country… Meta gets only hashes of them.',
    }),
    fromJobId: t.id({
      description: 'A completed job, such as a search: the people are the list `contacts` of its result.',
    }),
    fields: t.field({
      type: 'JSON',
      description:
        'Under which name contacts carry what Meta matches by, such as { "FN": "first_name" }; null leaves a key out.',
    }),
    defaultCountry: t.string({ description: 'The country of contacts that tell none, such as "US".' }),
    action: t.field({ type: UploadActionEnum, description: 'What to do with them; default ADD.' }),
    batchSize: t.int({ description: 'How many people are sent in one call: 1 to 10,000, the default.' }),
  }),
})

const WorkflowJobInput = builder.inputType('WorkflowJobInput', {
  description: 'What to run: exactly one of `workflowId` and `definition`.',
  fields: (t) => ({
    ...workflowFields(t),
  }),
})

const CreateJobInput = builder.inputType('CreateJobInput', {
  description: 'The work: exactly one of `workflow`, `search` and `uploadToMeta`.',
  fields: (t) => ({
    workflow: t.field({ type: WorkflowJobInput, description: 'A job of type WORKFLOW.' }),
    search: t.field({ type: SearchJobInput, description: 'A job of type SEARCH.' }),
    uploadToMeta: t.field({ type: UploadToMetaJobInput, description: 'A job of type UPLOAD_TO_META.' }),
    ...startFields(t),
  }),
})
type Wanted = typeof CreateJobInput.$inferInput

const CreateJobPayload = builder.objectRef<Started>('CreateJobPayload').implement({
  description: 'A job was accepted: it is safe from any crash from now on.',
  fields: (t) => ({
    ...runFields(t, {
      job: 'The job to watch with the subscription `jobEvents`.',
      execution: 'The run behind it.',
    }),
    deduplicated: t.exposeBoolean('deduplicated', {
      description: 'True when the idempotency key had created this job before.',
    }),
    ...warningFields(t),
  }),
})

builder.mutationFields((t) => ({
  createJob: t.field({
    type: CreateJobPayload,
    description: 'Creates a job of any type and starts it; answers at once.',
    args: { input: t.arg({ type: CreateJobInput, required: true, description: 'The work.' }) },
    errors: {
      types: [
        ValidationFailedError,
        InputInvalidError,
        InvalidArgumentError,
        NotFoundError,
        NotEndedError,
        WorkflowArchivedError,
        IdempotencyConflictError,
        QuotaExceededError,
      ],
      union: { name: 'CreateJobResult', description: 'The job, or why there is none.' },
    },
    resolve: async (_root, { input }, context) => {
      const { ownerId, start } = context
      const place = placeOf(input)
      const fields = readStartFields(input)
      return created(await startWork(input, context, (work) => start({ ownerId, ...work, ...fields })), place)
    },
  }),
}))

/** The field of the input that holds the work. */
type Place = 'workflow' | 'search' | 'uploadToMeta'

/** The part of a start that the work answers. */
type Work = Omit<StartRequest, 'ownerId' | 'mode' | 'intent'>

function placeOf({ workflow, search, uploadToMeta }: Wanted): Place {
  if ([workflow, search, uploadToMeta].filter((work) => work != null).length !== 1) {
    throw new InvalidArgumentError('Give exactly one of `workflow`, `search` and `uploadToMeta`.', ['input'])
  }
  if (search) return 'search'
  return uploadToMeta ? 'uploadToMeta' : 'workflow'
}

async function startWork(
  { workflow, search, uploadToMeta }: Wanted,
  context: Context,
  start: (work: Work) => Promise<StartResult>,
): Promise<StartResult> {
  if (search) return start(await blockWork('SEARCH', search, context))
  if (uploadToMeta) return start(await blockWork('UPLOAD_TO_META', uploadToMeta, context))
  const { input, variables, ...named } = workflow ?? {}
  const values = { input: input ?? null, variables: variables ?? {} }
  return startDefinitionSource(named, context, {
    path: ['input', 'workflow'],
    start: (source) => start({ type: 'WORKFLOW', ...source, ...values }),
  })
}

const PLACES = { SEARCH: 'search', UPLOAD_TO_META: 'uploadToMeta' } as const

async function blockWork(type: BlockJobType, given: object, { jobs, ownerId }: Context): Promise<Work> {
  const path = ['input', PLACES[type]]
  const read = readBlockJob(type, withoutNulls(given))
  if (read.kind === 'invalid') throw new InputInvalidError(read.problems, path)
  const { definition, input, fromJobId } = read
  if (fromJobId !== null) {
    requireReady(await sourceState(jobs, ownerId, fromJobId), [...path, 'fromJobId'])
  }
  return { type, definition, workflowId: null, input }
}

/** GraphQL's "not given" of the input's own fields and of the objects in them; free data stays as it is. */
function withoutNulls(given: object): object {
  const fields = Object.entries(given).filter(([, value]) => value != null)
  return Object.fromEntries(
    fields.map(([name, value]) => [
      name,
      NESTED.includes(name) ? withoutNulls(value as object) : (value as unknown),
    ]),
  )
}

const NESTED: readonly string[] = ['people', 'profiles', 'audience']

function requireReady(state: SourceState, path: readonly string[]): void {
  switch (state) {
    case 'ready':
      return
    case 'notFound':
      throw new NotFoundError('job', path)
    case 'notEnded':
      throw new NotEndedError(path)
    case 'withoutResult':
      throw new InvalidArgumentError('This job has no result: it did not complete.', path)
  }
}

function created(result: StartResult, place: Place): Started {
  switch (result.kind) {
    case 'started':
      return result
    case 'unsound':
      throw new ValidationFailedError(result.diagnostics, ['input', place])
    case 'invalidInput':
      throw invalidArgument(result.argument, result.problems, place)
    case 'idempotencyConflict':
      throw new IdempotencyConflictError(['input', 'idempotencyKey'])
    case 'quotaExceeded':
      throw new QuotaExceededError(result, ['input'])
  }
}

function invalidArgument(
  argument: string,
  problems: readonly InputProblem[],
  place: Place,
): InputInvalidError | InvalidArgumentError {
  if (argument !== 'input') {
    const path = argument === 'variables' ? ['input', place, argument] : ['input', argument]
    return new InvalidArgumentError(problemsText(problems), path)
  }
  return new InputInvalidError(problems, place === 'workflow' ? ['input', place, 'input'] : ['input', place])
}
