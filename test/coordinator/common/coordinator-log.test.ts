import { describe, expect, it } from 'vitest'
import { CoordinatorLoader } from '../../../src/coordinator/common/coordinator-loader.ts'
import { CoordinatorPartitionWriter } from '../../../src/coordinator/common/coordinator-partition-writer.ts'
import {
  type CoordinatorRecordSerde,
  UnknownRecordTypeError,
} from '../../../src/coordinator/common/coordinator-record-serde.ts'
import type { CoordinatorPlayback } from '../../../src/coordinator/common/snapshottable-coordinator.ts'
import { ErrorCode } from '../../../src/protocol/errors.ts'
import { buildBatch } from '../../../src/protocol/records/batch.ts'
import { config } from '../../log/log-fixture.ts'
import {
  BROKER_ID,
  changeOrders,
  createOrders,
  createReplicaWorld,
  fetch,
  ORDERS,
  type ReplicaWorld,
} from '../../replication/replication-fixture.ts'
import { type KeyValueRecord, keyValueSerde } from './support/key-value-shard.ts'

const FOLLOWER = 2
const PARTITION = { topic: ORDERS.topic, partition: ORDERS.partition }

/** What a coordinator heard while its log was read. */
class Playback implements CoordinatorPlayback<KeyValueRecord> {
  readonly heard: string[] = []

  replay(offset: number, { key }: KeyValueRecord): void {
    this.heard.push(`${key}@${offset}`)
  }

  updateLastWrittenOffset(offset: number): void {
    this.heard.push(`written ${offset}`)
  }

  updateLastCommittedOffset(offset: number): void {
    this.heard.push(`committed ${offset}`)
  }
}

const batchOf = (...keys: string[]) =>
  buildBatch({ records: keys.map(key => ({ key: Buffer.from(key), value: Buffer.from('v'), timestamp: 1 })) })

async function setUp(replicas: number[] = [BROKER_ID], settings = config()) {
  const world = await createReplicaWorld(settings)
  await world.change(delta => createOrders(delta, { replicas, isr: replicas }))
  return { world, writer: new CoordinatorPartitionWriter(world.replicaManager) }
}

async function load(world: ReplicaWorld, serde: CoordinatorRecordSerde<KeyValueRecord> = keyValueSerde) {
  const { runtime, replicaManager } = world
  const playback = new Playback()
  const loader = new CoordinatorLoader(runtime, { name: 'loader', replicaManager, serde, loadBufferSize: 100 })
  const loading = loader.load(PARTITION, playback)
  await runtime.run(() => loading.catch(() => {}))
  await runtime.run(() => loader.close())
  return { playback, loading }
}

const followerFetch = (world: ReplicaWorld, fetchOffset: number) =>
  fetch(world, fetchOffset, { replicaId: FOLLOWER, maxWaitMs: 0, isolation: 'log-end' })

describe('the log behind a coordinator', () => {
  it('gives the offset after what was appended, and tells how far it is committed', async () => {
    const { world, writer } = await setUp([BROKER_ID, FOLLOWER])
    const heard: number[] = []
    const listener = { onHighWatermarkUpdated: (_: unknown, highWatermark: number) => heard.push(highWatermark) }

    expect(writer.registerListener(PARTITION, listener)).toBe(0)
    expect(await writer.append(PARTITION, batchOf('a', 'b'), 2)).toBe(2)
    expect(await writer.append(PARTITION, batchOf('c'), 1)).toBe(3)
    expect(heard).toEqual([])
    await followerFetch(world, 2)
    await followerFetch(world, 3)
    expect(heard).toEqual([2, 3])

    writer.deregisterListener(PARTITION, listener)
    await writer.append(PARTITION, batchOf('d'), 1)
    await followerFetch(world, 4)
    expect(heard).toEqual([2, 3])
  })

  it('says nothing to who does not lead any more', async () => {
    const { world, writer } = await setUp([BROKER_ID, FOLLOWER])
    const heard: number[] = []
    writer.registerListener(PARTITION, { onHighWatermarkUpdated: (_, highWatermark) => heard.push(highWatermark) })
    await writer.append(PARTITION, batchOf('a'), 1)

    await world.change(delta => changeOrders(delta, { leader: FOLLOWER }))
    world.replicaManager.getPartition(PARTITION)?.updateFollowerHighWatermark(1)

    expect(heard).toEqual([])
    await expect(writer.append(PARTITION, batchOf('b'), 1)).rejects.toMatchObject({
      code: ErrorCode.NOT_LEADER_OR_FOLLOWER,
    })
  })

  it('refuses a batch that is larger than its topic takes', async () => {
    const { writer } = await setUp([BROKER_ID], config({ 'max.message.bytes': 100 }))

    expect(writer.maxMessageBytes(PARTITION)).toBe(100)
    await expect(writer.append(PARTITION, batchOf('x'.repeat(100)), 1)).rejects.toMatchObject({
      code: ErrorCode.MESSAGE_TOO_LARGE,
    })
    expect(() => writer.maxMessageBytes({ topic: 'elsewhere', partition: 0 })).toThrow('elsewhere-0')
  })
})

describe('reading a log back', () => {
  it('applies all of it, whatever its size, and what is committed counts as such', async () => {
    const { world, writer } = await setUp()
    await writer.append(PARTITION, batchOf('a', 'b'), 2)
    await writer.append(PARTITION, batchOf('c'.repeat(300)), 1)
    await writer.append(PARTITION, batchOf('d'), 1)

    const { playback, loading } = await load(world)

    await loading
    expect(playback.heard).toEqual(['a@0', 'b@1', `${'c'.repeat(300)}@2`, 'd@3', 'written 4', 'committed 4'])
  })

  it('applies what is not committed yet, and says how far it is', async () => {
    const { world, writer } = await setUp([BROKER_ID, FOLLOWER])
    await writer.append(PARTITION, batchOf('a'), 1)
    await writer.append(PARTITION, batchOf('b'), 1)
    await writer.append(PARTITION, batchOf('c'), 1)
    await followerFetch(world, 1)

    const { playback } = await load(world)

    expect(playback.heard).toEqual(['a@0', 'written 1', 'committed 1', 'b@1', 'written 2', 'c@2', 'written 3'])
  })

  it('has nothing to say of an empty log', async () => {
    const { world } = await setUp()

    const { playback, loading } = await load(world)

    await loading
    expect(playback.heard).toEqual([])
  })

  it('passes over records of unknown types', async () => {
    const { world, writer } = await setUp()
    await writer.append(PARTITION, batchOf('new', 'known'), 2)
    const serde: CoordinatorRecordSerde<KeyValueRecord> = {
      ...keyValueSerde,
      deserialize(key, value) {
        if (String(key) === 'new') throw new UnknownRecordTypeError(99)
        return keyValueSerde.deserialize(key, value)
      },
    }

    const { playback } = await load(world, serde)

    expect(playback.heard).toEqual(['known@1', 'written 2', 'committed 2'])
  })

  it('fails at a record that cannot be read, and says which', async () => {
    const { world, writer } = await setUp()
    await writer.append(PARTITION, batchOf('good', 'bad'), 2)
    const serde: CoordinatorRecordSerde<KeyValueRecord> = {
      ...keyValueSerde,
      deserialize(key, value) {
        if (String(key) === 'bad') throw new RangeError('no such version')
        return keyValueSerde.deserialize(key, value)
      },
    }

    const { loading } = await load(world, serde)

    await expect(loading).rejects.toThrow('cannot apply the record at offset 1 of orders-0: no such version')
  })

  it('fails on a broker that does not lead the partition', async () => {
    const { world } = await setUp([BROKER_ID, FOLLOWER])
    await world.change(delta => changeOrders(delta, { leader: FOLLOWER }))

    const { loading } = await load(world)

    await expect(loading).rejects.toMatchObject({ code: ErrorCode.NOT_LEADER_OR_FOLLOWER })
  })
})
