import { describe, expect, test } from 'vitest'
import { buildBatch } from '../../src/protocol/records/build-batch.ts'
import { takeValidBatches } from '../../src/raft/fetched-batches.ts'

function batch(baseOffset: number, epoch: number): Buffer {
  const value = Buffer.from(`record ${baseOffset}`)
  return buildBatch({ records: [{ value, timestamp: 1 }], baseOffset, partitionLeaderEpoch: epoch })
}

const AT = { endOffset: 5, lastEpoch: 2, leaderEpoch: 4 }

describe('takeValidBatches', () => {
  test('takes batches that continue the log', () => {
    const records = Buffer.concat([batch(5, 2), batch(6, 3), batch(7, 4)])

    expect(takeValidBatches(records, AT)).toEqual(records)
  })

  test('leaves out a batch that is not whole', () => {
    const whole = batch(5, 2)

    expect(takeValidBatches(Buffer.concat([whole, batch(6, 2).subarray(0, 50)]), AT)).toEqual(whole)
  })

  test.each([
    ['a gap', batch(7, 2)],
    ['an offset that the log has', batch(5, 2)],
    ['an epoch that falls', batch(6, 1)],
    ['an epoch beyond the leader’s (KAFKA-18723)', batch(6, 5)],
    ['garbage', Buffer.from('this is no batch at all, and never was one'.repeat(10))],
    ['zeros', Buffer.alloc(200)],
  ])('stops at %s', (_what, next) => {
    const whole = batch(5, 2)

    expect(takeValidBatches(Buffer.concat([whole, next, batch(7, 2)]), AT)).toEqual(whole)
  })

  test('stops at a batch whose checksum is wrong', () => {
    const damaged = batch(5, 2)
    damaged[damaged.length - 1] = (damaged[damaged.length - 1] ?? 0) ^ 1

    expect(takeValidBatches(damaged, AT).length).toBe(0)
  })
})
