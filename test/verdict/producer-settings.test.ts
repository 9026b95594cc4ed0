import { describe, expect, it } from 'vitest'
import type { JudgedProducerKey } from '../../harness/verdict/producer-keys.ts'
import { type ProducerSettings, producerSettings } from '../../harness/verdict/producer-settings.ts'

function settings(values: Partial<Record<JudgedProducerKey, string>> = {}): ProducerSettings {
  return producerSettings(new Map(Object.entries(values)) as Map<JudgedProducerKey, string>)
}

describe("the Java producer's configuration", () => {
  it('has the defaults of Kafka 4.2', () => {
    expect(settings()).toEqual({
      acks: -1,
      idempotent: true,
      maxInFlight: 5,
      retries: 2_147_483_647,
      requestTimeoutMs: 30_000,
      compression: 'none',
      notes: [],
    })
  })

  it.each([
    [
      { acks: '1' },
      'Idempotence is silently off, because acks=1 and not all (enable.idempotence=true would be an error).',
    ],
    [
      { acks: '0' },
      'Idempotence is silently off, because acks=0 and not all (enable.idempotence=true would be an error).',
    ],
    [{ retries: '0' }, 'Idempotence is silently off, because retries=0 (enable.idempotence=true would be an error).'],
  ] as const)('%j turns idempotence off without an error, and that is said', (values, note) => {
    expect(settings(values)).toMatchObject({ idempotent: false, notes: [note] })
  })

  it.each([
    [
      { acks: '1' },
      'Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence.',
    ],
    [{ acks: '0' }, 'Must set acks to all'],
    [{ retries: '0' }, 'Must set retries to non-zero when using the idempotent producer.'],
    [
      { 'max.in.flight.requests.per.connection': '6' },
      'To use the idempotent producer, max.in.flight.requests.per.connection must be set to at most 5. Current value is 6.',
    ],
  ] as const)('%j contradicts idempotence that was asked for', (values, refusal) => {
    expect(() => settings({ ...values, 'enable.idempotence': 'true' })).toThrow(
      `Kafka refuses this configuration with ConfigException: ${refusal}`,
    )
  })

  it('refuses six requests in flight since 4.0 even when idempotence is only on by default', () => {
    expect(() => settings({ 'max.in.flight.requests.per.connection': '6' })).toThrow('at most 5. Current value is 6.')
    expect(() => settings({ 'max.in.flight.requests.per.connection': '6', acks: '1' })).toThrow('at most 5')
    const off = settings({ 'max.in.flight.requests.per.connection': '6', 'enable.idempotence': 'false' })
    expect(off).toMatchObject({ idempotent: false, maxInFlight: 6, notes: [] })
  })

  it('refuses a delivery timeout that is shorter than what it has to cover, but not the default', () => {
    expect(() => settings({ 'delivery.timeout.ms': '30004' })).toThrow(
      'delivery.timeout.ms should be equal to or larger',
    )
    expect(() => settings({ 'delivery.timeout.ms': '30005' })).not.toThrow()
    expect(() => settings({ 'request.timeout.ms': '500000' })).not.toThrow()
  })

  it.each([
    [{ acks: 'most' }, 'invalid value "most" for configuration acks: expected one of all, -1, 0, 1'],
    [{ retries: '-1' }, 'invalid value "-1" for configuration retries: expected a whole number from 0 to 2147483647'],
    [{ 'enable.idempotence': 'yes' }, 'expected true or false'],
    [{ 'max.in.flight.requests.per.connection': '0' }, 'expected a whole number from 1'],
    [{ 'compression.type': 'zip' }, 'expected one of none, gzip, snappy, lz4, zstd'],
  ] as const)('refuses %j', (values, message) => {
    expect(() => settings(values)).toThrow(message)
  })
})
