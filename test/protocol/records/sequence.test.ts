import { expect, test } from 'vitest'
import { decrementSequence, incrementSequence } from '../../../src/protocol/records/batch.ts'

test.each([
  [0, 1, 1],
  [2_147_483_646, 1, 2_147_483_647],
  [2_147_483_647, 1, 0],
  [2_147_483_647, 5, 4],
  [2_147_483_640, 0, 2_147_483_640],
])('the sequence after %d by %d is %d, and the way back leads there', (sequence, distance, after) => {
  expect(incrementSequence(sequence, distance)).toBe(after)
  expect(decrementSequence(after, distance)).toBe(sequence)
})
