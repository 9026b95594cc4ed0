import { expect, test } from 'vitest'
import { partitionForGroup } from '../../../src/coordinator/group/group-partition.ts'

test.each([
  // Java's hash codes: 0, 97, 99162322, -1524582912, and the one integer that has no absolute value.
  ['', 50, 0],
  ['a', 50, 47],
  ['hello', 50, 22],
  ['müller', 50, Math.abs(javaHash('müller')) % 50],
  ['polygenelubricants', 50, 0],
  ['hello', 3, 99_162_322 % 3],
])('the group %j belongs to the partition that Java says, of %i', (groupId, numPartitions, partition) => {
  expect(partitionForGroup(groupId, numPartitions)).toBe(partition)
})

/** Written another way: with whole numbers of any size, cut to 32 bits at the end. */
function javaHash(text: string): number {
  let hash = 0n
  for (const unit of text.split('')) hash = hash * 31n + BigInt(unit.charCodeAt(0))
  return Number(BigInt.asIntN(32, hash))
}
