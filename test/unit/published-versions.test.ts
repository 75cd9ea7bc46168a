import { expect, test } from '@jest/globals'
import { CORE_BLOCKS } from '../../src/blocks/core/core-blocks.ts'
import { BlockRegistry } from '../../src/engine/block/registry.ts'
import { PlanCache } from '../../src/engine/validate/plan-cache.ts'
import { PUBLISHED_VERSIONS_MAX, PublishedVersions } from '../../src/jobs/start/published-versions.ts'
import {
  newId,
  ownerId,
  type DefinitionId,
  type WorkflowId,
  type WorkflowVersionId,
} from '../../src/lib/ids.ts'
import { SIMPLE } from '../support/definitions.ts'

test('memory names the published version of one owner to that owner alone', async () => {
  const { versions, version } = await createVersions()
  const id = newId<WorkflowId>()
  versions.set({ ownerId: ownerId('acme'), id }, version)
  expect(versions.get({ ownerId: ownerId('acme'), id })).toMatchObject(version)
  expect(versions.get({ ownerId: ownerId('globex'), id })).toBeNull()
  expect(versions.get({ ownerId: ownerId('acme'), id: newId<WorkflowId>() })).toBeNull()
  versions.delete({ ownerId: ownerId('globex'), id })
  expect(versions.get({ ownerId: ownerId('acme'), id })).toMatchObject(version)
  versions.delete({ ownerId: ownerId('acme'), id })
  expect(versions.get({ ownerId: ownerId('acme'), id })).toBeNull()
})

test('memory names no version whose plan is not kept, or that cannot run', async () => {
  const { versions, version, plans } = await createVersions()
  const workflow = { ownerId: ownerId('acme'), id: newId<WorkflowId>() }
  const { document } = await plans.read({ nodes: [{ id: 'x', type: 'no.such' }], edges: [] })
  versions.set(workflow, { ...version, definition: { id: newId(), hash: document?.hash ?? '' } })
  expect(versions.get(workflow)).toBeNull()
  versions.set(workflow, version)
  expect(versions.get(workflow)).toMatchObject(version)
  plans.clear()
  expect(versions.get(workflow)).toBeNull()
})

test('memory forgets the version that was not asked for for the longest time beyond its limit', async () => {
  const { versions, version } = await createVersions()
  const owner = ownerId('acme')
  const ids = Array.from({ length: PUBLISHED_VERSIONS_MAX }, () => newId<WorkflowId>())
  for (const id of ids) versions.set({ ownerId: owner, id }, version)
  const [first, second] = ids as [WorkflowId, WorkflowId]
  expect(versions.get({ ownerId: owner, id: first })).not.toBeNull()
  versions.set({ ownerId: owner, id: newId<WorkflowId>() }, version)
  expect(versions.get({ ownerId: owner, id: first })).not.toBeNull()
  expect(versions.get({ ownerId: owner, id: second })).toBeNull()
})

async function createVersions() {
  const registry = new BlockRegistry()
  for (const block of CORE_BLOCKS) registry.register(block)
  const plans = new PlanCache(registry)
  const { document } = await plans.read(SIMPLE)
  const definition = { id: newId<DefinitionId>(), hash: document?.hash ?? '' }
  const version = { versionId: newId<WorkflowVersionId>(), definition }
  return { plans, versions: new PublishedVersions(plans), version }
}
