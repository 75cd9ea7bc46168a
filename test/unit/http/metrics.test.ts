import { expect, test } from '@jest/globals'
import { createMetrics } from '../../../src/http/metrics.ts'

test('requests for the metrics that come at the same time share one reading', async () => {
  let loads = 0
  const metrics = createMetrics({
    connections: { open: { owned: 0, unattributed: 0 }, refused: 0 },
    load: () => {
      loads++
      return Promise.resolve({
        heldByStatus: {},
        hasOutage: false,
        freePlaces: 1,
        unhandledErrors: new Map(),
        blockedLoops: new Map(),
        clockOffsetMs: -2_500,
      })
    },
    openSubscriptions: () => ({ websocket: 0, sse: 0 }),
  })
  const answers = await Promise.all(Array.from({ length: 10 }, () => metrics.render()))
  for (const answer of answers) expect(await answer.text()).toContain('lume_places_free 1')
  expect(loads).toBe(1)
  await metrics.render()
  expect(loads).toBe(2)
})
