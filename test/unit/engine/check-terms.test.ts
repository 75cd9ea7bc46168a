import { describe, expect, test } from '@jest/globals'
import { checkTerms } from '../../../src/engine/fork/check-terms.ts'
import type { OriginalStepRecord } from '../../../src/engine/fork/original.ts'
import { readRetryFrom } from '../../../src/engine/fork/retry-from.ts'
import type { JsonObject } from '../../../src/lib/json/json.ts'
import { definition, forEach, soundPlan } from '../../support/run-definition.ts'

const PLAN = soundPlan(
  definition(
    {
      enrich: {},
      choose: { config: { handles: ['yes', 'no'] } },
      post: forEach(definition({ send: {} })),
    },
    'enrich > choose:yes > post',
  ),
)

const check = (terms: { from?: string; patched?: JsonObject }, steps: readonly OriginalStepRecord[] = []) => {
  const { from = 'FAILED', patched = {} } = terms
  return checkTerms(PLAN, { from: readRetryFrom(from), patched }, { steps })
}

function completed(path: string, handles: readonly string[]): OriginalStepRecord {
  const rest = {
    nodeId: path,
    inputFrom: [],
    errorCode: null,
    holder: 'x',
    callKey: 'x',
  }
  return { path, status: 'COMPLETED', handles, ...rest }
}

describe('where a retry begins', () => {
  test.each(['FAILED', 'START', 'enrich', 'post', 'post[3]', 'post[3]/send'])('may be %s', (from) => {
    expect(check({ from })).toBeNull()
  })

  test.each([
    ['enrihc', /did you mean "enrich"/],
    ['nowhere', /there are "enrich", "choose", "post"\./],
    ['post[3]/sent', /There is no step "post\[3\]\/sent"/],
    ['', /There is no step ""/],
  ])('may not be %j', (from, message) => {
    expect(check({ from })).toMatchObject({ argument: 'from' })
    expect(check({ from })?.message).toMatch(message)
  })
})

describe('an output that is given', () => {
  test('may be any plain JSON of a step that can be left by its default handle', () => {
    expect(check({ patched: { enrich: null, post: [1] } })).toBeNull()
  })

  test('needs to be known which way its step was left, where there are several', () => {
    expect(check({ patched: { choose: 1 } })?.message).toMatch(/by which of its handles/)
    expect(check({ patched: { choose: 1 } }, [completed('choose', ['no'])])).toBeNull()
    expect(check({ patched: { choose: 1 } }, [completed('choose', ['gone'])])?.message).toMatch(/handles/)
  })

  test('is of a step of the definition itself', () => {
    expect(check({ patched: { 'post[0]/send': 1 } })?.message).toMatch(/inside a loop/)
    expect(check({ patched: { pots: 1 } })?.message).toMatch(/did you mean "post"/)
  })

  test('is no larger than a step’s own may be', () => {
    expect(check({ patched: { enrich: 'x'.repeat(4 * 1024 * 1024) } })?.message).toMatch(/bytes/)
  })
})
