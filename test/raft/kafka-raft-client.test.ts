import { describe, expect, test } from 'vitest'
import { batches } from '../../src/protocol/records/batches.ts'
import { KafkaRaftClient } from '../../src/raft/kafka-raft-client.ts'
import { BatchTooLargeError, NotLeaderError } from '../../src/raft/raft-client.ts'
import { Condition } from '../../src/runtime/condition.ts'
import { createManualRuntime, type ManualRuntime } from '../support/manual-runtime.ts'
import { Recorder, stringSerde } from './recorder.ts'

const LINGER_MS = 25
const LOG = 'data/__cluster_metadata-0/00000000000000000000.log'

interface Started {
  readonly client: KafkaRaftClient<string>
  readonly listener: Recorder
  readonly faults: unknown[]
}

async function start(runtime: ManualRuntime, segmentBytes?: number): Promise<Started> {
  await runtime.disk.makeDirectory('data')
  const faults: unknown[] = []
  const client = new KafkaRaftClient(runtime, {
    nodeId: 1,
    clusterId: 'a-cluster',
    voters: [{ id: 1, host: 'localhost', port: 9093 }],
    logDirectory: 'data',
    serde: stringSerde,
    onFault: error => faults.push(error),
    segmentBytes,
    electionTimeoutMs: 1000,
    fetchTimeoutMs: 2000,
    electionBackoffMaxMs: 1000,
    requestTimeoutMs: 2000,
    retryBackoffMs: 20,
    appendLingerMs: LINGER_MS,
  })
  const listener = new Recorder()
  client.register(listener)
  await client.start()
  await runtime.settle()
  return { client, listener, faults }
}

function restarted(runtime: ManualRuntime): ManualRuntime {
  return createManualRuntime({ disk: runtime.disk })
}

async function append(runtime: ManualRuntime, client: KafkaRaftClient<string>, ...records: string[]) {
  const offset = client.prepareAppend(client.leaderAndEpoch.epoch, records)
  client.schedulePreparedAppend()
  await runtime.advance(LINGER_MS)
  return offset
}

describe('KafkaRaftClient, the only voter of its quorum', () => {
  test('leads from its start and says so after its own leader change is committed', async () => {
    const { client, listener } = await start(createManualRuntime())

    expect(client.leaderAndEpoch).toEqual({ leaderId: 1, epoch: 1 })
    expect(client.highWatermark).toBe(1)
    expect(listener.events).toEqual(['commit to 0', 'leader 1 epoch 1'])
    expect(listener.batches[0]?.records).toEqual([])
  })

  test('delivers what was appended, in order and without gap, once it is on disk', async () => {
    const runtime = createManualRuntime()
    const { client, listener } = await start(runtime)

    const first = client.prepareAppend(1, ['a', 'b'])
    const second = client.prepareAppend(1, ['c'])
    expect([first, second]).toEqual([2, 3])
    await runtime.settle()
    expect(listener.records).toEqual([])
    client.schedulePreparedAppend()
    await runtime.advance(LINGER_MS)

    expect(listener.records).toEqual(['a', 'b', 'c'])
    expect(listener.batches.map(batch => [batch.baseOffset, batch.lastOffset])).toEqual([
      [0, 0],
      [1, 2],
      [3, 3],
    ])
    expect(client.logEndOffset).toBe(4)
  })

  test('fsyncs an append before anyone hears of it', async () => {
    const runtime = createManualRuntime()
    const { client, listener } = await start(runtime)
    const before = runtime.disk.operations.length
    let syncedAtCommit = false
    listener.handleCommit = () => {
      syncedAtCommit = runtime.disk.operations
        .slice(before)
        .some(({ operation, path }) => operation === 'sync' && path === LOG)
    }

    await append(runtime, client, 'a')

    expect(syncedAtCommit).toBe(true)
  })

  test('after a restart replays everything to its listener and leads in a higher epoch', async () => {
    const runtime = createManualRuntime()
    const { client } = await start(runtime)
    await append(runtime, client, 'a')
    await append(runtime, client, 'b', 'c')
    await client.shutdown(1000)

    const second = await start(restarted(runtime))

    expect(second.listener.records).toEqual(['a', 'b', 'c'])
    expect(second.client.leaderAndEpoch).toEqual({ leaderId: 1, epoch: 2 })
    expect(second.listener.events.at(-1)).toBe('leader 1 epoch 2')
    expect(second.client.logEndOffset).toBe(5)
  })

  test('never uses an epoch twice, even when the quorum state was lost', async () => {
    const runtime = createManualRuntime()
    await start(runtime)
    await start(restarted(runtime))
    await runtime.disk.remove('data/__cluster_metadata-0/quorum-state')

    const third = await start(restarted(runtime))

    expect(third.client.leaderAndEpoch.epoch).toBe(3)
  })

  test('writes the quorum state as Kafka does', async () => {
    const runtime = createManualRuntime()
    await start(runtime)

    const file = await runtime.disk.open('data/__cluster_metadata-0/quorum-state')

    expect(JSON.parse((await file.read(0, file.size)).toString())).toEqual({
      clusterId: '',
      leaderId: 1,
      leaderEpoch: 1,
      votedId: -1,
      appliedOffset: 0,
      currentVoters: [{ voterId: 1 }],
      data_version: 0,
    })
  })

  test.each([
    ['half a batch', (size: number) => size - 5],
    ['a batch header', (size: number) => size - 62],
  ])('cuts off %s that a crash has left, and goes on', async (_what, cut) => {
    const runtime = createManualRuntime()
    const { client } = await start(runtime)
    await append(runtime, client, 'kept')
    await append(runtime, client, 'torn')
    const file = await runtime.disk.open(LOG)
    await file.truncate(cut(file.size))

    const again = restarted(runtime)
    const second = await start(again)
    await append(again, second.client, 'new')

    expect(second.listener.records).toEqual(['kept', 'new'])
    expect(second.client.truncatedBytes).toBeGreaterThan(0)
    const reopened = await runtime.disk.open(LOG)
    const bytes = await reopened.read(0, reopened.size)
    expect([...batches(bytes)].map(batch => batch.baseOffset)).toEqual([0, 1, 2, 3])
  })

  test.each([
    ['zeros', Buffer.alloc(4096)],
    ['garbage', Buffer.from('this is no batch at all, and never was one'.repeat(10))],
  ])('cuts off %s after the last batch', async (_what, tail) => {
    const runtime = createManualRuntime()
    const { client } = await start(runtime)
    await append(runtime, client, 'kept')
    const file = await runtime.disk.open(LOG)
    await file.append(tail)

    const second = await start(restarted(runtime))

    expect(second.listener.records).toEqual(['kept'])
    expect(second.client.truncatedBytes).toBe(tail.length)
  })

  test('continues over several files', async () => {
    const runtime = createManualRuntime()
    const { client } = await start(runtime, 200)
    for (let index = 0; index < 10; index++) await append(runtime, client, `record ${index}`)

    const names = (await runtime.disk.list('data/__cluster_metadata-0')).filter(name => name.endsWith('.log'))
    const second = await start(restarted(runtime), 200)

    expect(names.length).toBeGreaterThan(3)
    expect(second.listener.records).toEqual(Array.from({ length: 10 }, (_, index) => `record ${index}`))
  })

  test('a listener that comes late gets the log from its beginning, in bounded pieces', async () => {
    const runtime = createManualRuntime()
    const { client } = await start(runtime)
    const big = 'x'.repeat(100_000)
    for (let index = 0; index < 100; index++) await append(runtime, client, `${index}${big}`)
    const late = new Recorder('late')
    const sizes: number[] = []
    late.handleCommit = committed => {
      Recorder.prototype.handleCommit.call(late, committed)
      sizes.push(committed.reduce((sum, batch) => sum + batch.sizeBytes, 0))
    }

    client.register(late)
    await runtime.settle()

    expect(late.records.map(record => Number.parseInt(record, 10))).toEqual(Array.from({ length: 100 }, (_, i) => i))
    expect(late.batches.every((batch, i) => batch.baseOffset === (late.batches[i - 1]?.lastOffset ?? -1) + 1)).toBe(
      true,
    )
    expect(Math.max(...sizes)).toBeLessThan(5_000_000)
  })

  test('refuses appends for another epoch, and batches that are too large', async () => {
    const { client } = await start(createManualRuntime())

    expect(() => client.prepareAppend(2, ['a'])).toThrow(NotLeaderError)
    expect(() => client.prepareAppend(1, ['x'.repeat(9_000_000)])).toThrow(BatchTooLargeError)
  })

  test('resigning drops what was not written and begins a new epoch', async () => {
    const runtime = createManualRuntime()
    const { client, listener } = await start(runtime)
    client.prepareAppend(1, ['never scheduled'])

    client.resign(1)
    expect(() => client.prepareAppend(1, ['late'])).toThrow(NotLeaderError)
    await runtime.settle()
    await append(runtime, client, 'after')

    expect(client.leaderAndEpoch).toEqual({ leaderId: 1, epoch: 2 })
    expect(listener.records).toEqual(['after'])
    expect(listener.events).toContain('leader ? epoch 1')
    expect(listener.events.filter(event => event.startsWith('leader')).at(-1)).toBe('leader 1 epoch 2')
  })

  test('a slow listener hears that its epoch is over before anything that was committed after it', async () => {
    const runtime = createManualRuntime()
    const { client, listener } = await start(runtime)
    const gate = new Condition(runtime, 'gate')
    const { handleCommit } = listener
    listener.handleCommit = async committed => {
      await gate.wait()
      handleCommit.call(listener, committed)
    }
    await append(runtime, client, 'old')
    listener.events.length = 0

    client.resign(1)
    await runtime.settle()
    await append(runtime, client, 'new')
    for (let index = 0; index < 5; index++) {
      gate.signal()
      await runtime.settle()
    }

    expect(client.leaderAndEpoch).toEqual({ leaderId: 1, epoch: 2 })
    expect(listener.events).toEqual(['commit to 1', 'leader ? epoch 2', 'commit to 3', 'leader 1 epoch 2'])
  })

  test('after a failed write reports a fault and acknowledges nothing any more', async () => {
    const runtime = createManualRuntime()
    const { client, listener, faults } = await start(runtime)
    runtime.disk.fault = operation => (operation === 'sync' ? 'EIO' : undefined)

    await append(runtime, client, 'lost')

    expect(faults).toHaveLength(1)
    expect(listener.records).toEqual([])
    expect(client.highWatermark).toBe(1)
    expect(() => client.prepareAppend(1, ['more'])).toThrow(NotLeaderError)
  })

  test('shutdown writes what was prepared, tells the listeners and stops all threads', async () => {
    const runtime = createManualRuntime()
    const { client, listener } = await start(runtime)
    client.prepareAppend(1, ['last'])

    await runtime.run(() => client.shutdown(5000))

    expect(listener.records).toEqual(['last'])
    expect(listener.events.at(-1)).toBe('shutdown')
    expect(runtime.waiting).toEqual([])
    expect(runtime.pendingTimers).toBe(0)
  })

  test('sets no timer while it is idle', async () => {
    const runtime = createManualRuntime()
    await start(runtime)

    await runtime.advance(3_600_000)

    expect(runtime.firedTimers).toBe(0)
  })
})
