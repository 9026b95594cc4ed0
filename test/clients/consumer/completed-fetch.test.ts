import { describe, expect, test } from 'vitest'
import { CompletedFetch } from '../../../src/clients/consumer/completed-fetch.ts'
import type { FetchConfig } from '../../../src/clients/consumer/fetch-config.ts'
import { KafkaError } from '../../../src/clients/errors.ts'
import { stringSerde } from '../../../src/clients/serialization.ts'
import type { FetchedData } from '../../../src/network/fetch-session-handler.ts'
import {
  type BatchOptions,
  buildBatch,
  encodeControlKey,
  encodeEndTxnMarker,
} from '../../../src/protocol/records/batch.ts'

const PARTITION = { topic: 'orders', partition: 0 }
const CONFIG: FetchConfig = {
  fetchMinBytes: 1,
  fetchMaxBytes: 1_000_000,
  fetchMaxWaitMs: 500,
  maxPartitionFetchBytes: 1_000_000,
  maxPollRecords: 500,
  checkCrcs: true,
  clientRack: '',
  isolationLevel: 'read_uncommitted',
}
const TEXT = { key: stringSerde, value: stringSerde }

function batch(baseOffset: number, values: readonly string[], options: Partial<BatchOptions> = {}): Buffer {
  const records = values.map(value => ({ value: Buffer.from(value), timestamp: 1 }))
  return buildBatch({ baseOffset, records, partitionLeaderEpoch: 3, ...options })
}

function marker(baseOffset: number, type: 'ABORT' | 'COMMIT', producerId: number): Buffer {
  const records = [{ key: encodeControlKey(type), value: encodeEndTxnMarker(0), timestamp: 1 }]
  return buildBatch({ baseOffset, records, producerId, producerEpoch: 0, isTransactional: true, isControl: true })
}

function fetchOf(batches: readonly Buffer[], options: Partial<FetchedData> & { readonly fetchOffset?: number } = {}) {
  const { fetchOffset = 0, ...data } = options
  const drained: [bytes: number, records: number][] = []
  const fetch = new CompletedFetch({
    partition: PARTITION,
    fetchOffset,
    onDrained: (bytes, records) => drained.push([bytes, records]),
    data: {
      partitionIndex: 0,
      errorCode: 0,
      highWatermark: 100,
      lastStableOffset: 100,
      logStartOffset: 0,
      divergingEpoch: { epoch: -1, endOffset: -1 },
      currentLeader: { leaderId: -1, leaderEpoch: -1 },
      snapshotId: { endOffset: -1, epoch: -1 },
      abortedTransactions: null,
      preferredReadReplica: -1,
      records: Buffer.concat(batches),
      ...data,
    },
  })
  return { fetch, drained }
}

function values(fetch: CompletedFetch, max = 100, config = CONFIG): (string | null)[] {
  return fetch.fetchRecords(config, TEXT, max).map(({ value }) => value)
}

describe('what a fetch brought', () => {
  test('is taken piece by piece, and counted when all is taken', () => {
    const { fetch, drained } = fetchOf([batch(0, ['a', 'b']), batch(2, ['c'])])
    expect(values(fetch, 2)).toEqual(['a', 'b'])
    expect([fetch.nextFetchOffset, fetch.lastEpoch, fetch.isConsumed]).toEqual([2, 3, false])
    expect(values(fetch)).toEqual(['c'])
    expect([fetch.nextFetchOffset, fetch.isConsumed]).toEqual([3, true])
    expect(drained).toEqual([[expect.any(Number), 3]])
    expect(values(fetch)).toEqual([])
  })

  test('begins where it was asked for, in the middle of a batch', () => {
    const { fetch } = fetchOf([batch(0, ['a', 'b', 'c'], { compression: 'gzip' })], { fetchOffset: 1 })
    expect(values(fetch)).toEqual(['b', 'c'])
  })

  test('ends before a batch that is cut off', () => {
    const cut = batch(1, ['b']).subarray(0, -3)
    const { fetch } = fetchOf([batch(0, ['a']), cut])
    expect(values(fetch)).toEqual(['a'])
    expect(fetchOf([cut]).fetch.hasBatches()).toBe(false)
  })

  test('goes on behind a batch whose last records compaction has removed', () => {
    const { fetch } = fetchOf([batch(0, ['a'], { lastOffset: 9 })])
    expect(values(fetch)).toEqual(['a'])
    expect(fetch.nextFetchOffset).toBe(10)
  })

  test('is refused when its checksum is wrong, until somebody seeks past it', () => {
    const broken = batch(1, ['b'])
    broken.writeUInt8(broken.readUInt8(broken.length - 2) ^ 1, broken.length - 2)
    const { fetch } = fetchOf([batch(0, ['a']), broken])
    expect(values(fetch)).toEqual(['a'])
    expect(() => values(fetch)).toThrow(KafkaError)
    expect(() => values(fetch)).toThrow(/seek past the record/)
    expect(values(fetchOf([broken], { fetchOffset: 1 }).fetch, 1, { ...CONFIG, checkCrcs: false })).toHaveLength(1)
  })

  const transactional = (baseOffset: number, producerId: number, text: string) =>
    batch(baseOffset, [text], { producerId, producerEpoch: 0, baseSequence: 0, isTransactional: true })

  test('leaves out control records, whatever the isolation level', () => {
    const { fetch } = fetchOf([
      transactional(0, 7, 'a'),
      marker(1, 'COMMIT', 7),
      batch(2, ['b']),
      marker(3, 'ABORT', 8),
    ])
    expect(values(fetch)).toEqual(['a', 'b'])
    expect(fetch.nextFetchOffset).toBe(4)
  })

  test('leaves out aborted transactions under read_committed', () => {
    const batches = [
      transactional(0, 7, 'aborted'),
      transactional(1, 8, 'kept'),
      marker(2, 'ABORT', 7),
      transactional(3, 7, 'later, kept'),
      marker(4, 'COMMIT', 7),
      batch(5, ['plain']),
    ]
    const abortedTransactions = [{ producerId: 7, firstOffset: 0 }]
    const { fetch } = fetchOf(batches, { abortedTransactions })
    expect(values(fetch, 100, { ...CONFIG, isolationLevel: 'read_committed' })).toEqual([
      'kept',
      'later, kept',
      'plain',
    ])
    expect(values(fetchOf(batches, { abortedTransactions }).fetch)).toEqual(['aborted', 'kept', 'later, kept', 'plain'])
  })
})
