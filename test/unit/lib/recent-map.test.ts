import { expect, test } from '@jest/globals'
import { RecentMap } from '../../../src/lib/recent-map.ts'

test('the entry that was not asked for for the longest time makes room for a new one', () => {
  const map = new RecentMap<string, number>(2)
  map.set('a', 1)
  map.set('b', 2)
  expect(map.get('a')).toBe(1)
  map.set('c', 3)
  expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([1, undefined, 3])
})

test('an entry that is set again is replaced and stays, and one that is deleted is gone', () => {
  const map = new RecentMap<string, number>(2)
  map.set('a', 1)
  map.set('b', 2)
  map.set('a', 3)
  map.set('c', 4)
  map.delete('c')
  expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([3, undefined, undefined])
})
