import { describe, expect, test } from 'vitest'
import { BufferExhaustedException } from '../../../src/clients/errors.ts'
import { Metadata } from '../../../src/protocol/apis/metadata.ts'
import { ErrorCode } from '../../../src/protocol/errors.ts'
import { createManualRuntime } from '../../support/manual-runtime.ts'
import { onStage, outcome, producerFor } from './producer-support.ts'

describe('what send waits for', () => {
  test('metadata of a topic that is not there, up to max.block.ms', async () => {
    await onStage({ 'max.block.ms': 2000 }, async ({ runtime, producer }) => {
      expect(await runtime.run(() => outcome(producer.send({ topic: 'absent', value: 'a' })))).toBe(
        'TimeoutException: Topic absent not present in metadata after 2000 ms.',
      )
      expect(runtime.clock.monotonicMs()).toBe(2000)
    })
  })

  test('metadata of a partition that is not there yet', async () => {
    await onStage({ 'max.block.ms': 60_000 }, async ({ runtime, broker, producer }) => {
      const sent = producer.send({ topic: 't', partition: 1, value: 'a' })
      await runtime.advance(3000)
      expect(broker.produced).toHaveLength(0)
      broker.topics.set('t', 2)
      expect(await runtime.run(() => sent)).toMatchObject({ partition: 1, offset: 0 })
    })
  })

  test('an invalid topic fails as soon as the broker says so', async () => {
    await onStage({}, async ({ runtime, broker, producer }) => {
      broker.onRequest = request => {
        if (request.api.key !== Metadata.key) return false
        const brokers = [{ nodeId: 1, host: '127.0.0.1', port: Number(broker.bootstrap.split(':')[1]) }]
        const topics = [{ errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, name: 'bad topic' }]
        request.answer({ brokers, topics })
        return true
      }
      const told: string[] = []
      const sent = producer.send({ topic: 'bad topic', value: 'a' }, (_, error) => told.push(`${error?.name}`))
      expect(await runtime.run(() => outcome(sent))).toBe('InvalidTopicException: invalid topics: bad topic')
      expect(told).toEqual(['InvalidTopicException'])
    })
  })

  test('memory, in the order of the calls, and what waits does not linger', async () => {
    const config = { 'buffer.memory': 1000, 'batch.size': 500, 'linger.ms': 10_000 }
    await onStage(config, async ({ runtime, broker, producer }) => {
      const values = Array.from({ length: 9 }, (_, index) => `${index}`.repeat(300))
      const sent = values.map(value => producer.send({ topic: 't', value }))
      // For the last two nobody waits any more: they linger.
      await runtime.run(() => Promise.all(sent.slice(0, 7)))
      expect(runtime.clock.monotonicMs()).toBeLessThan(2000)
      await runtime.run(() => producer.flush())
      expect((await Promise.all(sent)).map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
      expect(broker.values.flat()).toEqual(values)
      expect(producer.metric('buffer-available-bytes')).toBe(1000)
    })
  })

  test('memory that does not come in max.block.ms makes the send fail, and costs nothing', async () => {
    const config = { 'buffer.memory': 1000, 'batch.size': 500, 'max.block.ms': 1000 }
    await onStage(config, async ({ runtime, broker, producer }) => {
      broker.onProduce = () => {}
      await runtime.run(() => producer.partitionsFor('t'))
      const sent = ['a', 'b', 'c'].map(letter => producer.send({ topic: 't', value: letter.repeat(400) }))
      const error = await runtime.run(async () => sent[2]?.catch((reason: unknown) => reason))
      expect(error).toBeInstanceOf(BufferExhaustedException)
      expect(producer.metric('buffer-exhausted-total')).toBe(1)
      expect(producer.metric('waiting-threads')).toBe(0)
      broker.onProduce = produce => produce.respond()
      broker.disconnectAll()
      await runtime.run(() => Promise.all(sent.slice(0, 2)))
      expect(producer.metric('buffer-available-bytes')).toBe(1000)
    })
  })

  test('a record that can never fit fails at once', async () => {
    await onStage({ 'max.request.size': 500 }, async ({ runtime, producer }) => {
      const sent = producer.send({ topic: 't', value: 'x'.repeat(500) })
      expect(await runtime.run(() => outcome(sent))).toMatch(
        /^RecordTooLargeException: The message is \d+ bytes .* larger than 500, .* max.request.size/,
      )
    })
  })

  test('sends that wait keep the order of their calls, though nobody awaits them', async () => {
    await onStage({ 'linger.ms': 0 }, async ({ runtime, broker, producer }) => {
      broker.topics.delete('t')
      const sent = [0, 1, 2].map(value => producer.send({ topic: 't', value: `${value}` }))
      await runtime.advance(5000)
      broker.topics.set('t', 1)
      sent.push(producer.send({ topic: 't', value: '3' }))
      const metadata = await runtime.run(() => Promise.all(sent))
      expect(metadata.map(({ offset }) => offset)).toEqual([0, 1, 2, 3])
      expect(broker.values.flat()).toEqual(['0', '1', '2', '3'])
    })
  })

  test('what cannot be written fails without being sent, and the callback hears nothing', async () => {
    const told: string[] = []
    const valueSerializer = {
      serialize: () => {
        throw new TypeError('no')
      },
    }
    await onStage(
      {},
      async ({ runtime, producer }) => {
        const sent = producer.send({ topic: 't', value: 'a' }, () => told.push('called'))
        expect(await runtime.run(() => outcome(sent))).toBe('TypeError: no')
        expect(told).toEqual([])
      },
      1,
      { valueSerializer },
    )
  })

  test.each([
    [{ topic: 't', partition: -1, value: 'a' }, 'IllegalArgumentException: Invalid partition: -1'],
    [{ topic: 't', timestamp: -5, value: 'a' }, 'IllegalArgumentException: Invalid timestamp: -5'],
  ])('%j is refused', async (record, message) => {
    await onStage({}, async ({ runtime, producer }) => {
      expect(await runtime.run(() => outcome(producer.send(record)))).toContain(message)
    })
  })
})

describe('close', () => {
  test('waits for what was sent, and takes nothing more', async () => {
    await onStage({ 'linger.ms': 60_000, 'delivery.timeout.ms': 120_000 }, async ({ runtime, broker, producer }) => {
      const sent = producer.send({ topic: 't', value: 'a' })
      await runtime.run(() => producer.close())
      expect(broker.values).toEqual([['a']])
      expect((await sent).offset).toBe(0)
      expect(runtime.clock.monotonicMs()).toBeLessThan(1000)
      expect(await outcome(producer.send({ topic: 't', value: 'b' }))).toBe(
        'IllegalStateException: Cannot perform operation after producer has been closed',
      )
    })
  })

  test('fails what is left when its time is over', async () => {
    await onStage({}, async ({ runtime, broker, producer }) => {
      broker.onProduce = () => {}
      const sent = producer.send({ topic: 't', value: 'a' })
      await runtime.run(() => producer.close(3000))
      expect(runtime.clock.monotonicMs()).toBe(3000)
      expect(await outcome(sent)).toBe('KafkaException: Producer is closed forcefully.')
    })
  })

  test('with 0 fails everything at once, also what waits for metadata', async () => {
    await onStage({}, async ({ runtime, producer }) => {
      const sent = outcome(producer.send({ topic: 'absent', value: 'a' }))
      await runtime.settle()
      await runtime.run(() => producer.close(0))
      expect(await sent).toBe('KafkaException: Producer closed while send in progress')
    })
  })

  test('ends although no broker was ever there', async () => {
    const runtime = createManualRuntime()
    const producer = producerFor(runtime, '127.0.0.1:1')
    await runtime.advance(10_000)
    await runtime.run(() => producer.close())
    await runtime.settle()
    expect(runtime.pendingTimers).toBe(0)
    expect(runtime.waiting).toEqual([])
  })

  test('closes serializers, interceptors and partitioner once', async () => {
    const closed: string[] = []
    const close = (name: string) => () => closed.push(name)
    const serializer = (name: string) => ({ serialize: () => Buffer.from(name), close: close(name) })
    await onStage(
      {},
      async ({ runtime, producer }) => {
        await runtime.run(() => producer.close())
        await runtime.run(() => producer.close())
        expect(closed).toEqual(['interceptor', 'key', 'value', 'partitioner'])
      },
      1,
      {
        keySerializer: serializer('key'),
        valueSerializer: serializer('value'),
        interceptors: [{ close: close('interceptor') }],
        partitioner: { partition: () => 0, close: close('partitioner') },
      },
    )
  })
})

describe('interceptors and callbacks', () => {
  test('interceptors change what is sent and hear what becomes of it', async () => {
    const heard: string[] = []
    const interceptors = [
      {
        onSend: (record: { topic: string; value: string | null }) => ({ ...record, value: `${record.value}!` }),
        onAcknowledgement: ({ offset }: { offset: number }) => heard.push(`offset ${offset}`),
      },
    ]
    await onStage(
      {},
      async ({ runtime, broker, producer }) => {
        await runtime.run(() => producer.send({ topic: 't', value: 'a' }))
        expect(broker.values).toEqual([['a!']])
        expect(heard).toEqual(['offset 0'])
      },
      1,
      { interceptors },
    )
  })

  test('what an interceptor or a callback throws is reported, and changes nothing', async () => {
    const warnings: string[] = []
    const interceptors = [
      {
        onSend: () => {
          throw new Error('broken interceptor')
        },
      },
    ]
    await onStage(
      {},
      async ({ runtime, broker, producer }) => {
        const sent = producer.send({ topic: 't', value: 'a' }, () => {
          throw new Error('broken callback')
        })
        expect((await runtime.run(() => sent)).offset).toBe(0)
        expect(broker.values).toEqual([['a']])
        expect(warnings).toEqual([
          'error in onSend of an interceptor: broken interceptor',
          'Error executing user-provided callback: broken callback',
        ])
      },
      1,
      { interceptors, onWarning: message => warnings.push(message) },
    )
  })
})
