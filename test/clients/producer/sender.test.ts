import { describe, expect, test } from 'vitest'
import { KafkaError, TimeoutException } from '../../../src/clients/errors.ts'
import { InitProducerId } from '../../../src/protocol/apis/init-producer-id.ts'
import { ErrorCode } from '../../../src/protocol/errors.ts'
import type { ReceivedProduce } from '../../support/scripted-broker.ts'
import { onStage, outcome } from './producer-support.ts'

const NOT_IDEMPOTENT = { 'enable.idempotence': false }

describe('what is sent', () => {
  test('records that come within linger.ms go in one batch', async () => {
    await onStage({ 'linger.ms': 5 }, async ({ runtime, broker, producer }) => {
      const sent = ['a', 'b', 'c'].map(value => producer.send({ topic: 't', value }))
      const metadata = await runtime.run(() => Promise.all(sent))
      expect(metadata.map(({ offset }) => offset)).toEqual([0, 1, 2])
      expect(broker.values).toEqual([['a', 'b', 'c']])
    })
  })

  test('a full batch does not linger', async () => {
    await onStage({ 'linger.ms': 60_000, 'batch.size': 200, 'delivery.timeout.ms': 120_000 }, async stage => {
      const { runtime, broker, producer } = stage
      await runtime.run(() => producer.partitionsFor('t'))
      const first = producer.send({ topic: 't', value: 'x'.repeat(150) })
      void producer.send({ topic: 't', value: 'y'.repeat(150) })
      await runtime.run(() => first)
      expect(runtime.clock.monotonicMs()).toBeLessThan(10_000)
      expect(broker.produced).toHaveLength(1)
    })
  })

  test('flush sends what lingers and waits for it', async () => {
    await onStage({ 'linger.ms': 30_000 }, async ({ runtime, broker, producer }) => {
      const sent = producer.send({ topic: 't', value: 'a' })
      await runtime.run(() => producer.flush())
      expect(runtime.clock.monotonicMs()).toBeLessThan(1000)
      expect(broker.values).toEqual([['a']])
      expect((await sent).offset).toBe(0)
    })
  })

  test('with acks=0 a record is done when it is written, and nobody knows where', async () => {
    await onStage({ acks: '0', ...NOT_IDEMPOTENT }, async ({ runtime, broker, producer }) => {
      broker.onProduce = () => {}
      expect((await runtime.run(() => producer.send({ topic: 't', value: 'a' }))).offset).toBe(-1)
      expect(broker.values).toEqual([['a']])
    })
  })

  test('bytes that the application changes after send are sent as they were', async () => {
    const bytes = Buffer.from('before')
    const valueSerializer = { serialize: () => bytes }
    await onStage(
      {},
      async ({ runtime, broker, producer }) => {
        await runtime.run(() => producer.partitionsFor('t'))
        const sent = producer.send({ topic: 't', value: '' })
        bytes.write('AFTER!')
        await runtime.run(() => sent)
        expect(broker.values).toEqual([['before']])
      },
      1,
      { valueSerializer },
    )
  })
})

describe('what fails and what is repeated', () => {
  test('a passing error is repeated after the backoff, until it is through', async () => {
    await onStage({ 'retry.backoff.ms': 100, ...NOT_IDEMPOTENT }, async ({ runtime, broker, producer }) => {
      const times: number[] = []
      broker.onProduce = produce => {
        times.push(runtime.clock.monotonicMs())
        produce.respond(times.length < 3 ? ErrorCode.NOT_ENOUGH_REPLICAS : ErrorCode.NONE)
      }
      expect((await runtime.run(() => producer.send({ topic: 't', value: 'a' }))).offset).toBe(0)
      const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0))
      expect(pauses).toHaveLength(2)
      expect(pauses[0]).toBeGreaterThanOrEqual(80)
      expect(pauses[1]).toBeGreaterThanOrEqual(160)
      expect(producer.metric('record-retry-total')).toBe(2)
    })
  })

  test('an error that does not pass is told at once, to the callback as well', async () => {
    await onStage(NOT_IDEMPOTENT, async ({ runtime, broker, producer }) => {
      broker.onProduce = produce => produce.respond(ErrorCode.INVALID_REQUIRED_ACKS, { errorMessage: 'no such acks' })
      const told: string[] = []
      const sent = producer.send({ topic: 't', value: 'a' }, ({ offset }, error) =>
        told.push(`${offset} ${error?.message}`),
      )
      expect(await runtime.run(() => outcome(sent))).toBe('InvalidRequiredAcksException: no such acks')
      expect(told).toEqual(['-1 no such acks'])
      expect(broker.produced).toHaveLength(1)
    })
  })

  test('retries are not more than was asked for', async () => {
    await onStage({ retries: 2, ...NOT_IDEMPOTENT }, async ({ runtime, broker, producer }) => {
      broker.onProduce = produce => produce.respond(ErrorCode.NOT_ENOUGH_REPLICAS)
      expect(await runtime.run(() => outcome(producer.send({ topic: 't', value: 'a' })))).toMatch(/NotEnoughReplicas/)
      expect(broker.produced).toHaveLength(3)
    })
  })

  test('a record that is not acknowledged in delivery.timeout.ms has failed, whatever is under way', async () => {
    const config = { 'delivery.timeout.ms': 10_000, 'request.timeout.ms': 5000, 'linger.ms': 0, ...NOT_IDEMPOTENT }
    await onStage(config, async ({ runtime, broker, producer }) => {
      broker.onProduce = () => {}
      const error = await runtime.run(() =>
        producer.send({ topic: 't', value: 'a' }).then(
          () => undefined,
          (reason: unknown) => reason,
        ),
      )
      expect(error).toBeInstanceOf(TimeoutException)
      expect(String(error)).toContain('Expiring 1 record(s) for t-0')
      expect(runtime.clock.monotonicMs()).toBeLessThan(11_000)
      // The request that carries it is still under way, with its memory.
      expect(producer.metric('buffer-available-bytes')).toBe(33_554_432 - 16_384)
      await runtime.advance(10_000)
      expect(producer.metric('buffer-available-bytes')).toBe(33_554_432)
    })
  })

  test('a disconnected request is repeated on a new connection', async () => {
    await onStage(NOT_IDEMPOTENT, async ({ runtime, broker, producer }) => {
      broker.onProduce = produce => {
        if (broker.produced.length === 1) produce.request.disconnect()
        else produce.respond()
      }
      expect((await runtime.run(() => producer.send({ topic: 't', value: 'a' }))).offset).toBe(0)
      expect(broker.values).toEqual([['a'], ['a']])
    })
  })

  test('a batch that is too large is split, and every record of it arrives once, in order', async () => {
    await onStage({ 'batch.size': 1000, 'linger.ms': 1 }, async ({ runtime, broker, producer }) => {
      broker.onProduce = produce => {
        const tooLarge = produce.batches.some(({ batch }) => batch.sizeInBytes > 400)
        produce.respond(tooLarge ? ErrorCode.MESSAGE_TOO_LARGE : ErrorCode.NONE)
      }
      const values = Array.from({ length: 8 }, (_, index) => `${index}`.repeat(90))
      const sent = values.map(value => producer.send({ topic: 't', value }))
      const offsets = (await runtime.run(() => Promise.all(sent))).map(({ offset }) => offset)
      expect(offsets).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
      const stored = broker.produced.filter(({ batches }) => batches.every(({ batch }) => batch.sizeInBytes <= 400))
      expect(stored.flatMap(({ batches }) => batches.flatMap(batch => batch.values))).toEqual(values)
      const sequences = stored.flatMap(({ batches }) => batches.map(({ batch }) => batch.baseSequence))
      expect(sequences).toEqual(sequences.toSorted((a, b) => a - b))
      expect(producer.metric('buffer-available-bytes')).toBe(33_554_432)
      expect(producer.metric('batch-split-total')).toBeGreaterThan(0)
    })
  })

  test('a record that is too large alone fails', async () => {
    await onStage({}, async ({ runtime, broker, producer }) => {
      broker.onProduce = produce => produce.respond(ErrorCode.MESSAGE_TOO_LARGE)
      expect(await runtime.run(() => outcome(producer.send({ topic: 't', value: 'a' })))).toMatch(/^RecordTooLarge/)
    })
  })

  test('each record of a refused batch gets its own error', async () => {
    await onStage({}, async ({ runtime, broker, producer }) => {
      const recordErrors = [{ batchIndex: 1, batchIndexErrorMessage: 'b is bad' }]
      broker.onProduce = produce => produce.respond(ErrorCode.INVALID_RECORD, { recordErrors, errorMessage: 'bad' })
      const sent = ['a', 'b'].map(value => outcome(producer.send({ topic: 't', value })))
      expect(await runtime.run(() => Promise.all(sent))).toEqual([
        'KafkaException: Failed to append record because it was part of a batch which had one or more invalid records',
        'InvalidRecordException: b is bad',
      ])
    })
  })
})

describe('order', () => {
  test('with one request in flight, nothing of a partition overtakes what is repeated', async () => {
    const config = { 'max.in.flight.requests.per.connection': 1, 'linger.ms': 0, ...NOT_IDEMPOTENT }
    await onStage(config, async ({ runtime, broker, producer }) => {
      broker.onProduce = produce =>
        produce.respond(broker.produced.length === 1 ? ErrorCode.NOT_ENOUGH_REPLICAS : ErrorCode.NONE)
      await runtime.run(() => producer.partitionsFor('t'))
      const first = producer.send({ topic: 't', value: 'a' })
      await runtime.advance(10)
      const second = producer.send({ topic: 't', value: 'b' })
      const offsets = await runtime.run(() => Promise.all([first, second]))
      expect(offsets.map(({ offset }) => offset)).toEqual([0, 1])
    })
  })

  test('an idempotent producer repeats several batches in the order of their sequence numbers', async () => {
    await onStage({ 'linger.ms': 0 }, async ({ runtime, broker, producer }) => {
      await runtime.run(() => producer.send({ topic: 't', value: 'first' }))
      broker.onProduce = () => {}
      const sent: Promise<unknown>[] = []
      for (const value of ['a', 'b', 'c']) {
        sent.push(producer.send({ topic: 't', value }))
        await runtime.advance(10)
      }
      expect(broker.values).toEqual([['first'], ['a'], ['b'], ['c']])
      broker.onProduce = produce => produce.respond()
      broker.disconnectAll()
      expect(await runtime.run(() => Promise.all(sent))).toMatchObject([{ offset: 1 }, { offset: 2 }, { offset: 3 }])
      const repeated = broker.produced.slice(4).flatMap(({ batches }) => batches)
      expect(repeated.map(({ batch, values }) => `${values} ${batch.baseSequence}`)).toEqual(['a 1', 'b 2', 'c 3'])
    })
  })

  test('callbacks of a partition come in the order of the sends, each once', async () => {
    await onStage({ 'linger.ms': 0 }, async ({ runtime, broker, producer }) => {
      const told: string[] = []
      broker.onProduce = produce =>
        produce.respond(broker.produced.length % 2 === 1 ? ErrorCode.NOT_ENOUGH_REPLICAS : ErrorCode.NONE)
      for (let record = 0; record < 6; record++) {
        void producer.send({ topic: 't', value: `${record}` }, ({ offset }) => told.push(`${record} at ${offset}`))
        await runtime.advance(3)
      }
      await runtime.run(() => producer.flush())
      expect(told).toEqual(['0 at 0', '1 at 1', '2 at 2', '3 at 3', '4 at 4', '5 at 5'])
    })
  })
})

describe('idempotence', () => {
  test('batches carry the producer id, its epoch and dense sequence numbers', async () => {
    await onStage({ 'linger.ms': 0 }, async ({ runtime, broker, producer }) => {
      for (const value of ['a', 'b', 'c']) await runtime.run(() => producer.send({ topic: 't', value }))
      const batches = broker.produced.flatMap(({ batches }) => batches.map(({ batch }) => batch))
      expect(batches.map(batch => [batch.producerId, batch.producerEpoch, batch.baseSequence])).toEqual([
        [1000, 0, 0],
        [1000, 0, 1],
        [1000, 0, 2],
      ])
    })
  })

  test('a duplicate that the broker has is a success without an offset', async () => {
    await onStage({}, async ({ runtime, broker, producer }) => {
      broker.onProduce = produce => produce.respond(ErrorCode.DUPLICATE_SEQUENCE_NUMBER)
      expect((await runtime.run(() => producer.send({ topic: 't', value: 'a' }))).offset).toBe(-1)
    })
  })

  test('after OUT_OF_ORDER_SEQUENCE_NUMBER of the next expected batch the epoch is raised and numbers begin anew', async () => {
    await onStage({ 'linger.ms': 0 }, async ({ runtime, broker, producer }) => {
      await runtime.run(() => producer.send({ topic: 't', value: 'a' }))
      broker.onProduce = produce =>
        produce.respond(broker.produced.length === 2 ? ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER : ErrorCode.NONE)
      await runtime.run(() => producer.send({ topic: 't', value: 'b' }))
      const batches = broker.produced.flatMap(({ batches }) => batches.map(({ batch }) => batch))
      expect(batches.map(batch => [batch.producerEpoch, batch.baseSequence])).toEqual([
        [0, 0],
        [0, 1],
        [1, 0],
      ])
    })
  })

  test('OUT_OF_ORDER_SEQUENCE_NUMBER of a batch behind one that failed is no reason for a new epoch', async () => {
    await onStage({ 'linger.ms': 0 }, async ({ runtime, broker, producer }) => {
      await runtime.run(() => producer.send({ topic: 't', value: 'first' }))
      const held: ReceivedProduce[] = []
      broker.onProduce = produce => held.push(produce)
      const sent: Promise<unknown>[] = []
      for (const value of ['a', 'b']) {
        sent.push(producer.send({ topic: 't', value }))
        await runtime.advance(10)
      }
      broker.onProduce = produce => produce.respond()
      held[0]?.respond(ErrorCode.NOT_ENOUGH_REPLICAS)
      held[1]?.respond(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
      expect(await runtime.run(() => Promise.all(sent))).toMatchObject([{ offset: 1 }, { offset: 2 }])
      const repeated = broker.produced.slice(3).flatMap(({ batches }) => batches.map(({ batch }) => batch))
      expect(repeated.map(batch => [batch.producerEpoch, batch.baseSequence])).toEqual([
        [0, 1],
        [0, 2],
      ])
    })
  })

  test('after UNKNOWN_PRODUCER_ID the epoch is raised and the batch is repeated', async () => {
    await onStage({ 'linger.ms': 0 }, async ({ runtime, broker, producer }) => {
      await runtime.run(() => producer.send({ topic: 't', value: 'a' }))
      broker.onProduce = produce =>
        broker.produced.length === 2
          ? produce.respond(ErrorCode.UNKNOWN_PRODUCER_ID, { logStartOffset: 1 })
          : produce.respond()
      await runtime.run(() => producer.send({ topic: 't', value: 'b' }))
      expect(broker.values).toEqual([['a'], ['b'], ['b']])
      expect(broker.produced[2]?.batches[0]?.batch.producerEpoch).toBe(1)
    })
  })

  test('a batch that was given up after it was sent makes the next one wait for a new epoch', async () => {
    const config = { 'linger.ms': 0, 'request.timeout.ms': 1000, 'delivery.timeout.ms': 2500 }
    await onStage(config, async ({ runtime, broker, producer }) => {
      broker.onProduce = () => {}
      expect(await runtime.run(() => outcome(producer.send({ topic: 't', value: 'a' })))).toMatch(/^TimeoutException/)
      broker.onProduce = produce => produce.respond()
      const attempts = broker.produced.length
      await runtime.run(() => producer.send({ topic: 't', value: 'b' }))
      const batch = broker.produced.slice(attempts).find(({ batches }) => batches[0]?.values[0] === 'b')
        ?.batches[0]?.batch
      expect([batch?.producerEpoch, batch?.baseSequence]).toEqual([1, 0])
    })
  })

  test('an InitProducerId that fails in passing is asked for again', async () => {
    await onStage({}, async ({ runtime, broker, producer }) => {
      let asked = 0
      broker.onRequest = request => {
        if (request.api.key !== InitProducerId.key) return false
        asked++
        if (asked === 1) request.answer({ errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS })
        if (asked === 2) request.disconnect()
        return asked < 3
      }
      expect((await runtime.run(() => producer.send({ topic: 't', value: 'a' }))).offset).toBe(0)
      expect(asked).toBe(3)
    })
  })

  test('a producer that may not be idempotent fails its records, and tries again for later ones', async () => {
    await onStage({}, async ({ runtime, broker, producer }) => {
      let refuses = true
      broker.onRequest = request => {
        if (request.api.key !== InitProducerId.key || !refuses) return false
        request.answer({ errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED })
        return true
      }
      const sent = producer.send({ topic: 't', value: 'a' })
      expect(await runtime.run(() => outcome(sent))).toMatch(/^ClusterAuthorizationException/)
      refuses = false
      expect((await runtime.run(() => producer.send({ topic: 't', value: 'b' }))).offset).toBe(0)
    })
  })

  test('an error that no idempotent producer survives fails all that comes', async () => {
    await onStage({}, async ({ runtime, broker, producer }) => {
      broker.onRequest = request => {
        if (request.api.key !== InitProducerId.key) return false
        request.answer({ errorCode: ErrorCode.UNKNOWN_SERVER_ERROR })
        return true
      }
      expect(await runtime.run(() => outcome(producer.send({ topic: 't', value: 'a' })))).toMatch(/^KafkaException/)
      const later = await runtime.run(() => producer.send({ topic: 't', value: 'b' }).catch((error: unknown) => error))
      expect(later).toBeInstanceOf(KafkaError)
      expect(broker.produced).toHaveLength(0)
    })
  })
})
