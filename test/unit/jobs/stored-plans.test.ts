import { expect, test } from '@jest/globals'
import { CORE_BLOCKS } from '../../../src/blocks/core/core-blocks.ts'
import { PlanCache } from '../../../src/engine/validate/plan-cache.ts'
import { BlockRegistry } from '../../../src/engine/block/registry.ts'
import { StoredPlans } from '../../../src/jobs/worker/stored-plans.ts'
import { newId, ownerId, type DefinitionId } from '../../../src/lib/ids.ts'
import type { Json } from '../../../src/lib/json/json.ts'
import { settled } from '../../support/manual-clock.ts'

const asker = (name: string) => ({ ownerId: ownerId(name), isRefusable: false })
const OWNER = asker('owner')
const BODY = { nodes: [{ id: 'a', type: 'core.transform', config: { value: 1 } }], edges: [] }

function opened({ isSmall = false } = {}) {
  const registry = new BlockRegistry()
  for (const block of CORE_BLOCKS) registry.register(block)
  const reads: ((body: Json) => void)[] = []
  let small = 0
  const plans = new StoredPlans({
    plans: new PlanCache(registry),
    definitions: {
      smallBody: () => {
        small++
        return Promise.resolve(isSmall ? BODY : undefined)
      },
      body: () => new Promise<Json>((resolve) => reads.push(resolve)),
    },
  })
  return { plans, reads, smallReads: () => small }
}

const stored = (hash: string) => ({ id: newId<DefinitionId>(), hash: hash.repeat(64) })

test('large definitions are read one at a time, whoever their owners are', async () => {
  const { plans, reads } = opened()
  const all = ['a', 'b', 'c'].map((hash, n) => plans.validate(stored(hash), asker(`owner-${n}`)))
  for (let n = 1; n <= 3; n++) {
    await settled()
    expect(reads).toHaveLength(n)
    reads[n - 1]?.(BODY)
  }
  for (const { plan } of await Promise.all(all)) expect(plan).not.toBeNull()
})

test('the body of a definition whose plan is kept is not read again', async () => {
  const { plans, smallReads } = opened({ isSmall: true })
  const definition = stored('d')
  const first = await plans.validate(definition, OWNER)
  expect((await plans.validate(definition, OWNER)).plan).toBe(first.plan)
  expect(smallReads()).toBe(1)
})

test('executions of one large definition that are taken up together read it once', async () => {
  const { plans, reads } = opened()
  const definition = stored('e')
  const all = Array.from({ length: 5 }, () => plans.validate(definition, OWNER))
  await settled()
  reads[0]?.(BODY)
  await Promise.all(all)
  expect(reads).toHaveLength(1)
})
