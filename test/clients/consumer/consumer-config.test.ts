import { describe, expect, test } from 'vitest'
import { ConsumerConfig } from '../../../src/clients/consumer/consumer-config.ts'
import { KafkaConsumer } from '../../../src/clients/consumer/kafka-consumer.ts'
import { ConfigException, IllegalArgumentException } from '../../../src/clients/errors.ts'
import { stringSerde } from '../../../src/clients/serialization.ts'
import { createManualRuntime } from '../../support/manual-runtime.ts'

const silent = () => {}

describe('the configuration of a consumer', () => {
  test('has the defaults of Kafka 4.2', () => {
    const config = new ConsumerConfig({ 'group.id': 'group' }, silent)
    expect(config.fetch).toEqual({
      fetchMinBytes: 1,
      fetchMaxBytes: 52_428_800,
      fetchMaxWaitMs: 500,
      maxPartitionFetchBytes: 1_048_576,
      maxPollRecords: 500,
      checkCrcs: true,
      clientRack: '',
      isolationLevel: 'read_uncommitted',
    })
    const values = [
      'session.timeout.ms',
      'heartbeat.interval.ms',
      'max.poll.interval.ms',
      'auto.commit.interval.ms',
      'default.api.timeout.ms',
      'request.timeout.ms',
      'receive.buffer.bytes',
    ].map(key => config.getNumber(key))
    expect(values).toEqual([45_000, 3000, 300_000, 5000, 60_000, 30_000, 65_536])
    expect(config.getList('partition.assignment.strategy')).toEqual(['range', 'cooperative-sticky'])
    expect(config.getBoolean('enable.auto.commit')).toBe(true)
  })

  test.each([
    [{ 'max.poll.records': 0 }, 'max.poll.records'],
    [{ 'fetch.min.bytes': -1 }, 'fetch.min.bytes'],
    [{ 'isolation.level': 'serializable' }, 'isolation.level'],
    [{ 'auto.offset.reset': 'smallest' }, 'auto.offset.reset'],
    [{ 'group.id': ' ' }, 'group.id'],
    [{ 'group.instance.id': '..' }, 'group.instance.id'],
    [{ 'group.instance.id': 'a b' }, 'group.instance.id'],
    [{ 'enable.auto.commit': true }, 'enable.auto.commit'],
    [{ 'group.protocol': 'streams' }, 'group.protocol'],
    [{ 'group.remote.assignor': 'uniform' }, 'group.remote.assignor'],
    [{ 'group.protocol': 'consumer', 'session.timeout.ms': 45_000 }, 'session.timeout.ms'],
    [{ 'group.protocol': 'Consumer', 'heartbeat.interval.ms': 3000 }, 'heartbeat.interval.ms'],
    [{ 'group.protocol': 'consumer', 'partition.assignment.strategy': 'range' }, 'partition.assignment.strategy'],
    [{ 'group.id': 'g', 'session.timeout.ms': 3000 }, 'heartbeat.interval.ms'],
  ])('refuses %j', (values, key) => {
    try {
      new ConsumerConfig(values, silent)
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigException)
      expect(error).toMatchObject({ key })
    }
  })

  test('tells of keys that are not known', () => {
    const warnings: string[] = []
    new ConsumerConfig({ 'max.pol.records': 1, 'key.deserializer': 'x' }, message => warnings.push(message))
    expect(warnings).toEqual([
      'unknown configuration max.pol.records, did you mean max.poll.records?',
      'configuration key.deserializer means nothing here',
    ])
  })
})

describe('a consumer cannot be made', () => {
  const make = (config: Record<string, string>, assignors?: never) =>
    new KafkaConsumer(createManualRuntime(), config, {
      keyDeserializer: stringSerde,
      valueDeserializer: stringSerde,
      ...(assignors === undefined ? {} : { assignors }),
    })

  test.each([
    [{}, 'bootstrap.servers'],
    [{ 'bootstrap.servers': 'nowhere' }, 'bootstrap.servers'],
    [{ 'bootstrap.servers': 'a:1', 'partition.assignment.strategy': 'best' }, 'partition.assignment.strategy'],
    [
      {
        'bootstrap.servers': 'a:1',
        'partition.assignment.strategy': 'range,org.apache.kafka.clients.consumer.RangeAssignor',
      },
      'partition.assignment.strategy',
    ],
  ])('from %j', (config, key) => {
    expect(() => make(config)).toThrow(expect.objectContaining({ name: 'ConfigError', key }))
  })

  test('with assignors that have no protocol in common', () => {
    const assignor = (name: string, protocol: 'EAGER' | 'COOPERATIVE') => ({
      name,
      supportedProtocols: [protocol],
      subscriptionUserData: () => null,
      assign: () => new Map(),
      onAssignment: () => {},
    })
    expect(
      () =>
        new KafkaConsumer(
          createManualRuntime(),
          { 'bootstrap.servers': 'a:1', 'group.id': 'group' },
          {
            keyDeserializer: stringSerde,
            valueDeserializer: stringSerde,
            assignors: [assignor('one', 'EAGER'), assignor('two', 'COOPERATIVE')],
          },
        ),
    ).toThrow(IllegalArgumentException)
  })
})
