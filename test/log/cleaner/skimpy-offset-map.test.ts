import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BYTES_PER_ENTRY, SkimpyOffsetMap } from '../../../src/log/cleaner/skimpy-offset-map.ts'

const key = (text: string) => Buffer.from(text)

test('gives the last offset of each key, and -1 for keys it has not seen', () => {
  const map = new SkimpyOffsetMap(100 * BYTES_PER_ENTRY)
  map.put(key('a'), 0)
  map.put(key('b'), 1)
  map.put(key('a'), 7)
  expect([map.get(key('a')), map.get(key('b')), map.get(key('c'))]).toEqual([7, 1, -1])
  expect([map.size, map.latestOffset, map.utilization]).toEqual([2, 7, 0.02])
})

test('takes as many keys as have room, and refuses one more', () => {
  const map = new SkimpyOffsetMap(5 * BYTES_PER_ENTRY + 23)
  expect(map.slots).toBe(5)
  for (let index = 0; index < 5; index++) map.put(key(`${index}`), index)
  for (let index = 0; index < 5; index++) expect(map.get(key(`${index}`))).toBe(index)
  expect(map.get(key('unknown'))).toBe(-1)
  expect(() => map.put(key('5'), 5)).toThrow('the offset map is full: it has 5 of 5 entries')
})

test('keeps its keys while it grows', () => {
  const map = new SkimpyOffsetMap(5000 * BYTES_PER_ENTRY)
  for (let index = 0; index < 4500; index++) map.put(key(`${index}`), index)
  for (let index = 0; index < 4500; index++) expect(map.get(key(`${index}`))).toBe(index)
  expect(map.size).toBe(4500)
})

test('forgets everything when it is cleared', () => {
  const map = new SkimpyOffsetMap(10 * BYTES_PER_ENTRY)
  map.put(key('a'), 3)
  map.updateLatestOffset(9)
  expect(map.latestOffset).toBe(9)
  map.clear()
  expect([map.size, map.latestOffset, map.get(key('a'))]).toEqual([0, -1, -1])
})

test('agrees with a plain map whatever is put', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 3 }), { maxLength: 300 }), keys => {
      const map = new SkimpyOffsetMap(400 * BYTES_PER_ENTRY)
      const plain = new Map<string, number>()
      for (const [offset, text] of keys.entries()) {
        map.put(key(text), offset)
        plain.set(text, offset)
      }
      for (const [text, offset] of plain) expect(map.get(key(text))).toBe(offset)
      expect(map.size).toBe(plain.size)
    }),
  )
})
