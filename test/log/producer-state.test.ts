import { expect, test } from 'vitest'
import { CorruptSnapshotError } from '../../src/log/log-errors.ts'
import { decodeProducerSnapshot, encodeProducerSnapshot } from '../../src/log/producer-snapshot.ts'
import { ProducerStateEntry } from '../../src/log/producer-state-entry.ts'
import { ProducerStateManager } from '../../src/log/producer-state-manager.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'
import { withFile } from './log-fixture.ts'

const entry = () => {
  const made = new ProducerStateEntry(4000)
  made.addBatch(3, { lastSequence: 11, lastOffset: 99, offsetDelta: 1, timestamp: 1_700_000_000_000 })
  return made
}

test('a snapshot has the bytes that Kafka writes', () => {
  // version, crc, count, then producer id, epoch, last sequence, last offset, delta, timestamp, coordinator epoch, txn
  expect(encodeProducerSnapshot([entry()]).toString('hex')).toBe(
    '0001' +
      '2b7ba7ab' +
      '00000001' +
      '0000000000000fa0' +
      '0003' +
      '0000000b' +
      '0000000000000063' +
      '00000001' +
      '0000018bcfe56800' +
      'ffffffff' +
      'ffffffffffffffff',
  )
})

test('a snapshot comes back with the last batch of each producer', () => {
  const [decoded] = decodeProducerSnapshot(encodeProducerSnapshot([entry()]), 'x')
  expect(decoded?.batches).toEqual(entry().batches)
  expect([decoded?.producerId, decoded?.producerEpoch, decoded?.lastTimestamp]).toEqual([4000, 3, 1_700_000_000_000])
})

test('any flipped bit and any cut makes a snapshot corrupt', () => {
  const bytes = encodeProducerSnapshot([entry()])
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = Buffer.from(bytes)
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    expect(() => decodeProducerSnapshot(damaged, 'x')).toThrow(CorruptSnapshotError)
  }
  for (let length = 0; length < bytes.length; length++) {
    expect(() => decodeProducerSnapshot(bytes.subarray(0, length), 'x')).toThrow(CorruptSnapshotError)
  }
})

test('snapshots that belong to no segment go, except one newer than all segments', async () => {
  const runtime = createManualRuntime()
  for (const offset of [5, 10, 15, 40]) {
    const name = `${String(offset).padStart(20, '0')}.snapshot`
    await withFile(runtime, name, file => file.append(encodeProducerSnapshot([])))
  }
  const manager = await ProducerStateManager.open(runtime, 'orders-0', '', { producerIdExpirationMs: 1000 })
  await manager.removeStraySnapshots([0, 10, 20])
  expect(manager.snapshotOffsets).toEqual([10, 40])
})

test('loading takes the newest sound snapshot inside the log and forgets expired producers', async () => {
  const runtime = createManualRuntime()
  const fresh = new ProducerStateEntry(1)
  fresh.addBatch(0, { lastSequence: 0, lastOffset: 7, offsetDelta: 0, timestamp: 5000 })
  const stale = new ProducerStateEntry(2)
  stale.addBatch(0, { lastSequence: 0, lastOffset: 8, offsetDelta: 0, timestamp: 3999 })
  const write = (offset: number, bytes: Buffer) =>
    withFile(runtime, `${String(offset).padStart(20, '0')}.snapshot`, file => file.append(bytes))
  await write(10, encodeProducerSnapshot([fresh, stale]))
  await write(20, Buffer.alloc(10))
  await write(99, encodeProducerSnapshot([]))
  const manager = await ProducerStateManager.open(runtime, 'orders-0', '', { producerIdExpirationMs: 1000 })
  await manager.truncateAndReload(0, 30, 5000 - 1)
  expect([...manager.activeProducers.keys()]).toEqual([1])
  expect([manager.mapEndOffset, manager.snapshotOffsets]).toEqual([10, [10]])
})
