import { describe, expect, test } from 'vitest'
import {
  NoOffsetForPartitionException,
  OffsetOutOfRangeException,
  RecordDeserializationException,
} from '../../../src/clients/consumer/consumer-errors.ts'
import {
  IllegalArgumentException,
  IllegalStateException,
  KafkaError,
  TimeoutException,
  WakeupException,
} from '../../../src/clients/errors.ts'
import type { Deserializer } from '../../../src/clients/serialization.ts'
import { DeleteRecords } from '../../../src/protocol/apis/delete-records.ts'
import type { TopicPartition } from '../../../src/protocol/topic-partition.ts'
import { type TextConsumer, useBroker } from './consumer-fixture.ts'

const orders = (partition: number) => ({ topic: 'orders', partition })

// A whole broker and consumers without a group.
describe('a consumer with assigned partitions', () => {
  const fixture = useBroker({ orders: 2 })
  const { run } = fixture

  function produce(values: readonly string[], partition = 0) {
    return fixture.broker.produce(fixture.client, 'orders', values, { partition })
  }

  async function assigned(config = {}, partitions: readonly TopicPartition[] = [orders(0)]): Promise<TextConsumer> {
    const consumer = fixture.consumer(config)
    await run(() => consumer.assign(partitions))
    return consumer
  }

  async function poll(consumer: TextConsumer, timeoutMs = 1000): Promise<string[]> {
    return [...(await run(() => consumer.poll(timeoutMs)))].map(({ value }) => `${value}`)
  }

  describe('polls', () => {
    test('from the start, in order, and waits for more', async () => {
      await produce(['a', 'b', 'c'])
      const reader = await assigned({}, [orders(0), orders(1)])
      expect(await fixture.values(reader, 3)).toEqual(['a', 'b', 'c'])
      const waiting = run(() => reader.poll(10_000))
      await produce(['d'], 1)
      expect([...(await waiting)]).toEqual([
        {
          topic: 'orders',
          partition: 1,
          offset: 0,
          timestamp: expect.any(Number),
          timestampType: 'CreateTime',
          serializedKeySize: -1,
          serializedValueSize: 1,
          key: null,
          value: 'd',
          headers: [],
          leaderEpoch: 0,
        },
      ])
      expect(await run(() => reader.position(orders(0)))).toBe(3)
    })

    test('no longer than it may', async () => {
      const reader = await assigned()
      const startMs = fixture.broker.runtime.clock.monotonicMs()
      const records = await run(() => reader.poll(2000))
      expect(records.isEmpty).toBe(true)
      expect(fixture.broker.runtime.clock.monotonicMs() - startMs).toBe(2000)
    })

    test('at most max.poll.records at a time, and tells where each partition goes on', async () => {
      await produce(['a', 'b', 'c'])
      const reader = await assigned({ 'max.poll.records': 2 })
      const records = await run(() => reader.poll(1000))
      expect(records.count).toBe(2)
      expect(records.partitions).toEqual([orders(0)])
      expect(records.nextOffsets.get(orders(0))).toEqual({ offset: 2, leaderEpoch: 0, metadata: '' })
      expect(await poll(reader)).toEqual(['c'])
    })

    test('all partitions in turn, however much there is of one', async () => {
      for (let index = 0; index < 20; index++) await produce([`${'x'.repeat(200)}${index}`], 0)
      await produce(['other'], 1)
      const reader = await assigned({ 'max.partition.fetch.bytes': 400, 'max.poll.records': 2 }, [orders(0), orders(1)])
      const found = await fixture.values(reader, 6)
      expect(found).toContain('other')
    })

    test('until somebody wakes it up', async () => {
      const reader = await assigned()
      const waiting = run(() => reader.poll(60_000))
      reader.wakeup()
      await expect(waiting).rejects.toThrow(WakeupException)
      reader.wakeup()
      await expect(run(() => reader.poll(0))).rejects.toThrow(WakeupException)
      expect(await poll(reader, 0)).toEqual([])
    })

    test('with interceptors, which cannot break it', async () => {
      await produce(['a', 'b'])
      const warnings: string[] = []
      const reader = fixture.consumer(
        {},
        {
          interceptors: [
            {
              onConsume: () => {
                throw new Error('broken')
              },
            },
            { onConsume: records => records },
          ],
          onWarning: message => warnings.push(message),
        },
      )
      await run(() => reader.assign([orders(0)]))
      expect(await poll(reader)).toEqual(['a', 'b'])
      expect(warnings).toEqual(['error in onConsume of an interceptor: broken'])
    })
  })

  describe('begins', () => {
    test('at the end with auto.offset.reset=latest', async () => {
      await produce(['before'])
      const reader = await assigned({ 'auto.offset.reset': 'latest' })
      expect(await poll(reader)).toEqual([])
      await produce(['after'])
      expect(await poll(reader)).toEqual(['after'])
    })

    test('at the first record that is not too old with by_duration', async () => {
      await produce(['old'])
      await fixture.broker.runtime.advance(60_000)
      await produce(['new'])
      const reader = await assigned({ 'auto.offset.reset': 'by_duration:PT30S' })
      expect(await poll(reader)).toEqual(['new'])
    })

    test('nowhere with none, but where it is told to', async () => {
      await produce(['a', 'b'])
      const reader = await assigned({ 'auto.offset.reset': 'none' })
      await expect(poll(reader)).rejects.toThrow(NoOffsetForPartitionException)
      reader.seek(orders(0), 1)
      expect(await poll(reader)).toEqual(['b'])
    })

    test('anew when its position is not in the log', async () => {
      await produce(['a', 'b'])
      const reader = await assigned()
      reader.seek(orders(0), 17)
      expect(await poll(reader)).toEqual(['a', 'b'])
      const strict = await assigned({ 'auto.offset.reset': 'none' })
      strict.seek(orders(0), 17)
      const error = await poll(strict).catch((error: unknown) => error)
      expect(error).toBeInstanceOf(OffsetOutOfRangeException)
      expect(error instanceof OffsetOutOfRangeException && [...error.offsetOutOfRangePartitions]).toEqual([
        [orders(0), 17],
      ])
    })

    test('behind what was deleted meanwhile', async () => {
      await produce(['a', 'b', 'c'])
      const reader = await assigned({ 'max.poll.records': 1 })
      expect(await poll(reader)).toEqual(['a'])
      const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, offset: 2 }] }]
      await run(() => fixture.client.send(DeleteRecords, 2, { topics, timeoutMs: 1000 }))
      reader.seek(orders(0), 0)
      expect(await poll(reader)).toEqual(['c'])
    })
  })

  describe('moves', () => {
    test('to offsets, to the beginning and to the end', async () => {
      await produce(['a', 'b', 'c'])
      const reader = await assigned()
      expect(await poll(reader)).toEqual(['a', 'b', 'c'])
      reader.seek(orders(0), 1)
      expect(await poll(reader)).toEqual(['b', 'c'])
      reader.seekToBeginning([])
      expect(await run(() => reader.position(orders(0)))).toBe(0)
      expect(await poll(reader)).toEqual(['a', 'b', 'c'])
      reader.seek(orders(0), { offset: 0, leaderEpoch: 0 })
      reader.seekToEnd([orders(0)])
      expect(await run(() => reader.position(orders(0)))).toBe(3)
      expect(() => reader.seek(orders(0), -1)).toThrow(IllegalArgumentException)
      expect(() => reader.seek(orders(1), 0)).toThrow(IllegalStateException)
      await expect(reader.position(orders(1))).rejects.toThrow(IllegalStateException)
    })

    test('away from what was fetched before', async () => {
      await produce(['a', 'b', 'c'])
      const reader = await assigned({ 'max.poll.records': 1 })
      expect(await poll(reader)).toEqual(['a'])
      reader.seek(orders(0), 0)
      expect(await poll(reader)).toEqual(['a'])
    })

    test('not while it is paused', async () => {
      await produce(['a'])
      await produce(['b'], 1)
      const reader = await assigned({}, [orders(0), orders(1)])
      reader.pause([orders(0)])
      expect(reader.paused()).toEqual([orders(0)])
      expect(await poll(reader)).toEqual(['b'])
      expect(await poll(reader)).toEqual([])
      reader.resume([orders(0)])
      expect(await poll(reader)).toEqual(['a'])
    })

    test('to another assignment, without what was fetched for the one before', async () => {
      await produce(['a', 'b'])
      await produce(['c'], 1)
      const reader = await assigned({ 'max.poll.records': 1 })
      expect(await poll(reader)).toEqual(['a'])
      await run(() => reader.assign([orders(1)]))
      expect(await poll(reader)).toEqual(['c'])
      expect(reader.assignment()).toEqual([orders(1)])
      await run(() => reader.unsubscribe())
      expect(reader.assignment()).toEqual([])
      await run(() => reader.assign([orders(0)]))
      await run(() => reader.assign([]))
      await expect(run(() => reader.poll(0))).rejects.toThrow(IllegalStateException)
    })
  })

  describe('looks for offsets', () => {
    test('of starts, ends and times', async () => {
      await produce(['a', 'b'])
      await fixture.broker.runtime.advance(10_000)
      const laterMs = fixture.broker.runtime.clock.wallMs()
      await produce(['c'])
      const reader = fixture.consumer()
      const both = [orders(0), orders(1)]
      expect([...(await run(() => reader.beginningOffsets(both)))].map(([, offset]) => offset)).toEqual([0, 0])
      expect([...(await run(() => reader.endOffsets(both)))].map(([, offset]) => offset)).toEqual([3, 0])
      const found = await run(() => reader.offsetsForTimes(both.map(partition => [partition, laterMs - 5000] as const)))
      expect(found.get(orders(0))).toEqual({ offset: 2, timestamp: laterMs, leaderEpoch: 0 })
      expect(found.get(orders(1))).toBeUndefined()
      await expect(run(() => reader.offsetsForTimes([[orders(0), -1]]))).rejects.toThrow(IllegalArgumentException)
    })

    test('and gives up in time', async () => {
      const reader = fixture.consumer({ 'allow.auto.create.topics': false })
      const gone = { topic: 'gone', partition: 0 }
      await expect(run(() => reader.endOffsets([gone], 3000))).rejects.toThrow(TimeoutException)
    })

    test('to tell how far behind it is', async () => {
      await produce(['a', 'b', 'c'])
      const reader = await assigned({ 'max.poll.records': 1 })
      expect(reader.currentLag(orders(0))).toBeUndefined()
      await poll(reader)
      expect(reader.currentLag(orders(0))).toBe(2)
    })
  })

  describe('cannot read a record', () => {
    const picky: Deserializer<string> = {
      deserialize: (_, bytes) => {
        if (`${bytes}` === 'bad') throw new Error('bad value')
        return `${bytes}`
      },
    }

    test('and tells which; a seek skips it', async () => {
      await produce(['a', 'bad', 'c'])
      const reader = fixture.consumer({}, { valueDeserializer: picky })
      await run(() => reader.assign([orders(0)]))
      expect(await poll(reader)).toEqual(['a'])
      for (let attempt = 0; attempt < 2; attempt++) {
        const error = await poll(reader).catch((error: unknown) => error)
        expect(error).toBeInstanceOf(RecordDeserializationException)
        expect(error).toMatchObject({
          origin: 'VALUE',
          topicPartition: orders(0),
          offset: 1,
          valueBuffer: Buffer.from('bad'),
          keyBuffer: null,
        })
      }
      reader.seek(orders(0), 2)
      expect(await poll(reader)).toEqual(['c'])
    })
  })

  test('learns of partitions and topics', async () => {
    const reader = fixture.consumer({ 'allow.auto.create.topics': false })
    expect((await run(() => reader.partitionsFor('orders'))).map(({ partition }) => partition)).toEqual([0, 1])
    expect(await run(() => reader.partitionsFor('gone'))).toEqual([])
    expect([...(await run(() => reader.listTopics())).keys()]).toEqual(['orders'])
  })

  test('goes on after its connections were closed for being idle', async () => {
    await produce(['a'])
    const reader = await assigned({ 'connections.max.idle.ms': 1000 })
    expect(await poll(reader)).toEqual(['a'])
    await fixture.broker.runtime.advance(20_000)
    await produce(['b'])
    expect(await fixture.values(reader, 1)).toEqual(['b'])
  })

  test('tells how it is doing by the metrics of the Java client', async () => {
    await produce(['a', 'b'])
    const reader = await assigned()
    await poll(reader)
    await poll(reader)
    const metrics = new Map(reader.metrics().map(({ name, tags, value }) => [`${name} ${tags['topic'] ?? ''}`, value]))
    expect(metrics.get('records-consumed-total ')).toBe(2)
    expect(metrics.get('records-consumed-total orders')).toBe(2)
    expect(metrics.get('records-lag orders')).toBe(0)
    expect(metrics.get('fetch-total ')).toBeGreaterThan(0)
  })

  test('is of no use once it is closed', async () => {
    const reader = await assigned()
    await fixture.close(reader)
    await expect(reader.poll(0)).rejects.toThrow(IllegalStateException)
    await expect(run(() => reader.close())).resolves.toBeUndefined()
    await expect(reader.close({ timeoutMs: -1 })).rejects.toThrow(IllegalArgumentException)
  })

  test('cannot read a topic whose name no topic can have', async () => {
    const reader = await assigned({}, [{ topic: 'no such/name', partition: 0 }])
    await expect(run(() => reader.poll(5000))).rejects.toThrow(KafkaError)
  })
})
