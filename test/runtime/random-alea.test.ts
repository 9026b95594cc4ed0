import { expect, test } from 'vitest'
import { AleaRandom, aleaStream } from '../../src/runtime/random-alea.ts'

test('a seed means the same draws for ever', () => {
  const stream = aleaStream('kafka-trial')

  const draws = [
    stream.float(),
    stream.int(1, 6),
    stream.int(0, Number.MAX_SAFE_INTEGER - 1),
    stream.bytes(7).toString('hex'),
  ]

  expect(draws).toMatchInlineSnapshot(`
    [
      0.692231774979433,
      6,
      8803580164768945,
      "a56017c4ddd439",
    ]
  `)
})

test('a label draws the same whatever other labels drew before', () => {
  const quiet = new AleaRandom('seed')
  const busy = new AleaRandom('seed')
  busy.stream('other').float()

  expect(busy.stream('link').bytes(16)).toEqual(quiet.stream('link').bytes(16))
  expect(busy.stream('link').bytes(16)).not.toEqual(busy.stream('other').bytes(16))
})

test('whole numbers include both ends and nothing beyond', () => {
  const stream = aleaStream('dice')

  const seen = new Set(Array.from({ length: 1000 }, () => stream.int(-1, 2)))

  expect([...seen].sort()).toEqual([-1, 0, 1, 2])
  expect(stream.int(5, 5)).toBe(5)
})

test.each([
  [2, 1],
  [0.5, 1],
  [0, Number.POSITIVE_INFINITY],
  [-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
])('a draw from [%d, %d] is refused', (low, high) => {
  expect(() => aleaStream('x').int(low, high)).toThrow(RangeError)
})

test('random bytes have the length asked for, and fractions stay in [0, 1)', () => {
  const stream = aleaStream('bytes')

  expect([0, 1, 4, 9].map(length => stream.bytes(length).length)).toEqual([0, 1, 4, 9])
  for (let draw = 0; draw < 1000; draw += 1) {
    const fraction = stream.float()
    expect(fraction >= 0 && fraction < 1).toBe(true)
  }
})
