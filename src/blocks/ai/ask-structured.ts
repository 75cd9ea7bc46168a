import { BlockError, type BlockContext } from '../../engine/block/index.ts'
import type { InputProblem } from '../../engine/json-schema/index.ts'
import type { Json, JsonObject } from '../../lib/json/index.ts'
import {
  addUsage,
  ANSWER_BROKEN,
  NO_USAGE,
  openRouterCaller,
  reportUsage,
  type Completion,
  type CompletionRequest,
  type OpenRouterClient,
  type TokenUsage,
} from '../providers/openrouter/index.ts'
import { readJson } from './read-json.ts'

const MAX_ECHO_LENGTH = 20_000
const MAX_TOLD_PROBLEMS = 20

/** One answer, and how far it is from what was asked for. */
export interface StructuredAnswer {
  /** Undefined: there was no JSON in it. */
  readonly json: Json | undefined
  /** Empty: it is as it should be. */
  readonly problems: readonly InputProblem[]
  readonly model: string
  /** Cut off at the most tokens allowed, and not usable for it. */
  readonly isTruncated: boolean
}

export interface StructuredAnswers {
  /** One, or two when the first was not as it should be. */
  readonly answers: readonly StructuredAnswer[]
  readonly usage: TokenUsage
}

export interface StructuredQuestion {
  readonly request: CompletionRequest & { readonly format: NonNullable<CompletionRequest['format']> }
  /** What the schema cannot say, such as that nothing is left out. */
  readonly check?: (json: Json) => readonly InputProblem[]
}

/**
 * Asks a model for JSON that fits a schema. Providers enforce schemas to different degrees, so every answer is checked,
 * and one that does not fit is asked for once more, with what is wrong with it. The second try is also for an answer that
 * broke off in the middle; it is the last in any case, since every one is paid for.
 */
export async function askStructured(
  client: OpenRouterClient,
  { request, check = () => [] }: StructuredQuestion,
  context: Pick<
    BlockContext,
    'secrets' | 'signal' | 'clock' | 'answers' | 'usage' | 'heartbeat' | 'checkJson'
  >,
): Promise<StructuredAnswers> {
  const caller = openRouterCaller(context)
  let usage = NO_USAGE
  const ask = (messages: readonly Json[]) =>
    client.complete({ ...request, messages }, caller, {
      onText: () => context.heartbeat(),
      onUsage(used) {
        usage = addUsage(usage, used)
        reportUsage(context, used)
      },
    })
  const read = async ({ text, model, finishReason }: Completion): Promise<StructuredAnswer> => {
    const json = readJson(text)
    const problems = await problemsOf(json, request.format.schema, { check, context })
    return { json, problems, model, isTruncated: finishReason === 'length' && problems.length > 0 }
  }

  const completion = await ask(request.messages).catch((failure: unknown) => {
    if (failure instanceof BlockError && failure.code === ANSWER_BROKEN) return null
    throw failure
  })
  if (!completion) return { answers: [await read(await ask(request.messages))], usage }
  const first = await read(completion)
  if (first.problems.length === 0 || first.isTruncated) return { answers: [first], usage }
  const repair = repairMessages(completion.text, first.problems)
  return { answers: [first, await read(await ask([...request.messages, ...repair]))], usage }
}

async function problemsOf(
  json: Json | undefined,
  schema: JsonObject,
  {
    check,
    context,
  }: {
    readonly check: (json: Json) => readonly InputProblem[]
    readonly context: Pick<BlockContext, 'checkJson'>
  },
): Promise<readonly InputProblem[]> {
  if (json === undefined) return [{ pointer: '', message: 'is not JSON' }]
  const checked = await context.checkJson(schema, json)
  switch (checked.kind) {
    case 'fits':
      return check(json)
    case 'misfits':
      return checked.problems
    case 'unchecked':
      // No other answer could be checked either, and every one is paid for.
      throw new BlockError('AI_ANSWER_UNCHECKED', `The answer cannot be checked: ${checked.reason}.`)
  }
}

/** What is said after an answer that does not fit. */
export function repairMessages(text: string, problems: readonly InputProblem[]): readonly JsonObject[] {
  const told = problems
    .slice(0, MAX_TOLD_PROBLEMS)
    .map(({ pointer, message }) => `- ${pointer || 'the answer'} ${message}`)
  return [
    { role: 'assistant', content: text.slice(0, MAX_ECHO_LENGTH) },
    {
      role: 'user',
      content: [
        'Your answer does not fit the JSON schema:',
        ...told,
        'Answer again, completely and corrected, with nothing but the JSON.',
      ].join('\n'),
    },
  ]
}
