import { z } from 'zod'
import type { ProviderAnswer } from '../shared/index.ts'

const HEADER = 'x-business-use-case-usage'

/** By account; every share is in percent. */
const usageSchema = z.record(
  z.string(),
  z.array(
    z.looseObject({
      call_count: z.number().default(0),
      total_cputime: z.number().default(0),
      total_time: z.number().default(0),
      estimated_time_to_regain_access: z.number().default(0),
    }),
  ),
)

export interface MetaUsage {
  /** How much of what is allowed is used up, in percent. */
  readonly percent: number
  /** How long calls will be refused, in minutes; 0: they are not. */
  readonly regainMinutes: number
}

/** What an answer, a success or not, tells of the limits; Meta has no Retry-After. */
export function readUsage(answer: ProviderAnswer): MetaUsage {
  const usage = usageSchema.safeParse(parsed(answer.header(HEADER))).data ?? {}
  const entries = Object.values(usage).flat()
  const shares = entries.flatMap(({ call_count, total_cputime, total_time }) => [
    call_count,
    total_cputime,
    total_time,
  ])
  return {
    percent: Math.max(0, ...shares),
    regainMinutes: Math.max(0, ...entries.map((entry) => entry.estimated_time_to_regain_access)),
  }
}

function parsed(header: string | undefined): unknown {
  try {
    return JSON.parse(header ?? '')
  } catch {
    return undefined
  }
}
