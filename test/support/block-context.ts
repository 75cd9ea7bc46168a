import {
  BlockError,
  type Block,
  type BlockContext,
  type BlockLog,
  type BlockOutcome,
  type BlockUsage,
} from '../../src/engine/block/block.ts'
import { directSchemaChecker } from '../../src/engine/json-schema/schema-checker.ts'
import { TimeSlice } from '../../src/lib/turns/time-slice.ts'
import { systemClock } from '../../src/lib/time/clock.ts'
import { answersAlone } from './answers.ts'
import type { Json } from '../../src/lib/json/json.ts'

/** What a block reported through its context, in order. */
export interface Reports {
  readonly progress: { readonly fraction: number; readonly message?: string }[]
  readonly logs: { readonly level: string; readonly message: string; readonly fields?: unknown }[]
  readonly usage: BlockUsage[]
  readonly streamed: string[]
  readonly checkpoints: { readonly [key: string]: Json }[]
}

export interface FakeContext<Config> extends BlockContext<Config> {
  readonly reports: Reports
}

type Given<Config> = Pick<BlockContext<Config>, 'config'> &
  Partial<Omit<BlockContext<Config>, 'config' | 'secrets'>> & {
    /** By name. */
    readonly secrets?: Readonly<Record<string, string>>
    readonly reports?: Reports
  }

export function emptyReports(): Reports {
  return { progress: [], logs: [], usage: [], streamed: [], checkpoints: [] }
}

/** The context of one attempt; what is not given is what a first attempt without input has. */
export function fakeContext<Config>(given: Given<Config>): FakeContext<Config> {
  const { secrets = {}, reports = emptyReports(), checkpoints = {}, ...rest } = given
  const recorded: { [key: string]: Json } = { ...checkpoints }
  const log = (level: string) => (message: string, fields?: unknown) =>
    void reports.logs.push({ level, message, ...(fields === undefined ? {} : { fields }) })
  const timeSlice = new TimeSlice()
  const find = (name: string) => secrets[name] ?? null
  return {
    input: null,
    signal: new AbortController().signal,
    attempt: 1,
    idempotencyKey: 'execution-1/step-1',
    path: 'step-1',
    clock: systemClock,
    random: () => 0.5,
    execution: { id: 'execution-1', mode: 'production', startedAt: '2027-01-01T00:00:00.000Z' },
    http: { send: () => Promise.reject(new Error('this test gives no network')) },
    children: { start: () => Promise.reject(new Error('this test gives no children')) },
    evaluate: (source) => {
      throw new Error(`this test gives no meaning to ${source}`)
    },
    checkJson: async (schema, value) => directSchemaChecker().check(schema, value).answer,
    heartbeat: () => {},
    reserveMemory: () => Promise.resolve(),
    answers: answersAlone(),
    yieldToEventLoop: async () => void (await timeSlice.yieldIfOver()),
    reports,
    secrets: {
      find,
      get(name) {
        const value = find(name)
        if (value === null) throw new BlockError('SECRET_MISSING', `There is no secret "${name}".`)
        return value
      },
    },
    log: {
      debug: log('debug'),
      info: log('info'),
      warn: log('warn'),
      error: log('error'),
    } satisfies BlockLog,
    checkpoints: recorded,
    async checkpoint(key, value) {
      recorded[key] = value
      reports.checkpoints.push({ [key]: value })
    },
    progress: (fraction, message) =>
      void reports.progress.push({ fraction, ...(message === undefined ? {} : { message }) }),
    usage: (used) => void reports.usage.push(used),
    stream: (text) => void reports.streamed.push(text),
    ...rest,
  }
}

/** Runs one attempt as the engine does: the config is parsed by the block's schema. */
export async function runBlock(
  block: Block,
  { config, ...given }: { config: Json } & Partial<Omit<Given<unknown>, 'config'>>,
): Promise<BlockOutcome> {
  if (block.run === 'loop') throw new Error(`${block.type} is run by the engine`)
  return await block.run(fakeContext({ config: block.config.parse(config), ...given }))
}
