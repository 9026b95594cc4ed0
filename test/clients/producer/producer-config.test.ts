import { describe, expect, test } from 'vitest'
import { ConfigException } from '../../../src/clients/errors.ts'
import { ProducerConfig } from '../../../src/clients/producer/producer-config.ts'

function read(values: Record<string, string | number | boolean>) {
  const warnings: string[] = []
  const config = new ProducerConfig({ 'bootstrap.servers': 'a:1', ...values }, message => warnings.push(message))
  return { config, warnings }
}

describe('a producer configuration', () => {
  test('has the defaults of Kafka 4.2', () => {
    const { config, warnings } = read({})
    expect(warnings).toEqual([])
    expect([config.acks, config.idempotent, config.lingerMs, config.batchSize]).toEqual([-1, true, 5, 16_384])
    expect([config.deliveryTimeoutMs, config.compression]).toEqual([120_000, 'none'])
    expect(config.getNumber('buffer.memory')).toBe(33_554_432)
    expect(config.getNumber('retries')).toBe(2_147_483_647)
    expect(config.getNumber('metadata.recovery.rebootstrap.trigger.ms')).toBe(300_000)
  })

  test.each([
    [{ acks: 'some' }, 'acks', 'expected one of all, -1, 0, 1'],
    [{ 'linger.ms': -1 }, 'linger.ms', 'expected a whole number from 0'],
    [{ 'compression.type': 'brotli' }, 'compression.type', 'expected one of none, gzip, snappy, lz4, zstd'],
    [{ 'security.protocol': 'SSL' }, 'security.protocol', 'expected one of PLAINTEXT'],
    [{ 'transactional.id': 'tx' }, 'transactional.id', 'transactions are not supported'],
    [{ 'bootstrap.servers': 'localhost' }, 'bootstrap.servers', 'expected host:port, found "localhost"'],
    [{ 'bootstrap.servers': '' }, 'bootstrap.servers', 'expected at least one host:port'],
    [{ 'delivery.timeout.ms': 1000 }, 'delivery.timeout.ms', 'equal to or larger than linger.ms + request.timeout.ms'],
    [{ 'enable.idempotence': true, acks: '1' }, 'acks', 'Must set acks to all'],
    [{ 'enable.idempotence': true, retries: 0 }, 'retries', 'Must set retries to non-zero'],
    [{ 'max.in.flight.requests.per.connection': 6 }, 'max.in.flight.requests.per.connection', 'at most 5'],
  ])('%j is refused, with the key and what would be right', (values, key, allowed) => {
    const refused = () => read(values)
    expect(refused).toThrow(ConfigException)
    expect(refused).toThrow(`configuration ${key}`)
    expect(refused).toThrow(allowed)
  })

  test('idempotence that nobody asked for gives way to what contradicts it, and says so', () => {
    const { config, warnings } = read({ acks: '1' })
    expect(config.idempotent).toBe(false)
    expect(warnings).toEqual(['Idempotence will be disabled because acks is set to 1.'])
  })

  test('without idempotence more than five requests may be in flight', () => {
    const values = { 'enable.idempotence': false, 'max.in.flight.requests.per.connection': 100 }
    expect(read(values).config.idempotent).toBe(false)
  })

  test('a delivery timeout that nobody set is lengthened', () => {
    const { config, warnings } = read({ 'request.timeout.ms': 200_000 })
    expect(config.deliveryTimeoutMs).toBe(200_005)
    expect(warnings).toHaveLength(1)
  })

  test('keys that Kafka does not have are reported with the one that was meant', () => {
    expect(read({ 'linger.msec': 5 }).warnings).toEqual(['unknown configuration linger.msec, did you mean linger.ms?'])
    expect(read({ 'sasl.mechanism': 'PLAIN' }).warnings).toEqual(['configuration sasl.mechanism means nothing here'])
  })

  test('bootstrap servers may be names and addresses of both kinds', () => {
    const { config } = read({ 'bootstrap.servers': 'a.example:9092, 10.0.0.1:1,[::1]:9093,PLAINTEXT://b:2' })
    expect(config.bootstrapServers).toEqual([
      { host: 'a.example', port: 9092 },
      { host: '10.0.0.1', port: 1 },
      { host: '::1', port: 9093 },
      { host: 'b', port: 2 },
    ])
  })
})
