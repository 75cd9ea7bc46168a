import { expect, test } from '@jest/globals'
import { OwnerPlaces } from '../../../src/lib/turns/owner-places.ts'

test('work beyond an owner’s places is refused, that of another owner is not, and a place that is left is free', async () => {
  const places = new OwnerPlaces('simulations', 2)
  const finish: (() => void)[] = []
  const hold = () => new Promise<void>((resolve) => void finish.push(resolve))
  const held = [places.run('a', hold), places.run('a', hold)]
  await expect(places.run('a', hold)).rejects.toMatchObject({
    code: 'VALIDATION_BUSY',
    message:
      '2 simulations of yours are under way, which is the limit. Send the request again when one is done.',
  })
  expect(await places.run('b', async () => 1)).toBe(1)
  for (const done of finish) done()
  await Promise.all(held)
  await expect(places.run('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await places.run('a', async () => 2)).toBe(2)
})
