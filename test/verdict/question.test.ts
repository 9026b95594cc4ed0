import { describe, expect, it } from 'vitest'
import { configurationRows, effectiveMinInsyncReplicas } from '../../harness/verdict/configuration.ts'
import { type Question, type UnderstoodQuestion, understand } from '../../harness/verdict/question.ts'
import { NODE } from './support.ts'

function ask(question: Question = {}): UnderstoodQuestion {
  return understand(question, NODE)
}

describe('a question without an answer of its own', () => {
  it("is about Kafka's defaults on three brokers", () => {
    expect(ask().configuration).toEqual({
      client: undefined,
      producer: {
        acks: -1,
        idempotent: true,
        maxInFlight: undefined,
        retries: undefined,
        requestTimeoutMs: undefined,
        compression: undefined,
        sequential: true,
        renewAfterError: true,
      },
      brokers: 3,
      replicationFactor: 3,
      minInsyncReplicas: 1,
      uncleanLeaderElection: false,
      eligibleLeaderReplicas: true,
      flushMessages: undefined,
      brokerConfig: {},
      topicConfig: {},
    })
  })

  it('says what the JavaScript clients do otherwise', () => {
    expect(ask().notes).toEqual([
      "Idempotence is on, as by the Java producer's default; KafkaJS and platformatic have it off unless they are told (--no-idempotence).",
      'Applications await each send and replace their client after an error: only then are the sequence numbers of the JavaScript clients sound (--no-sequential shows what happens otherwise).',
    ])
  })
})

describe("Kafka's own files", () => {
  const files: Question = {
    producerProperties: 'acks=1\nretries=3\nlinger.ms=20\nbootstrap.servers=kafka:9092\nssl.key.password=x',
    brokerProperties: [
      'node.id=7',
      'log.dirs=/data',
      'default.replication.factor=2',
      'min.insync.replicas=2',
      'unclean.leader.election.enable=true',
      'log.flush.interval.messages=5',
      'num.io.threads=4',
    ].join('\n'),
    topicProperties: 'min.insync.replicas=1\nretention.ms=1000000',
  }

  it('are understood, the topic over the broker', () => {
    const { configuration, notes } = ask(files)
    expect(configuration).toMatchObject({
      producer: { acks: 1, idempotent: false, retries: 3 },
      replicationFactor: 2,
      minInsyncReplicas: 1,
      uncleanLeaderElection: true,
      flushMessages: 5,
      brokerConfig: { 'num.io.threads': '4' },
      topicConfig: { 'retention.ms': '1000000' },
    })
    expect(notes).toContain('server.properties: the trial has its own node.id, log.dirs.')
  })

  it('give way to flags', () => {
    const flags: Question = { acks: -1, minInsyncReplicas: 2, replicationFactor: 3, uncleanLeaderElection: false }
    expect(ask({ ...files, ...flags }).configuration).toMatchObject({
      producer: { acks: -1 },
      replicationFactor: 3,
      minInsyncReplicas: 2,
      uncleanLeaderElection: false,
    })
  })

  it('may have keys that Kafka ignores; the nearest is named', () => {
    const { notes } = ask({ producerProperties: '\nack=1', brokerProperties: 'num.io.thread=3' })
    expect(notes[0]).toBe(
      'producer.properties line 2: Kafka has no producer setting ack and ignores it (did you mean acks?).',
    )
    expect(notes).toContain(
      'server.properties: Kafka has no setting num.io.thread and ignores it (did you mean num.io.threads?).',
    )
  })

  it.each([
    [
      { topicProperties: 'min.insync.replica=2' },
      'INVALID_CONFIG: Unknown topic config name: min.insync.replica in line 1 (did you mean min.insync.replicas?)',
    ],
    [{ topicProperties: 'min.insync.replicas=0' }, 'invalid value "0" for configuration min.insync.replicas'],
    [{ brokerProperties: 'num.io.threads=none' }, 'invalid value "none" for configuration num.io.threads'],
    [{ producerProperties: 'transactional.id=a' }, 'transactions are not judged yet'],
    [{ producerProperties: 'acks=\\u00' }, 'malformed \\u escape'],
  ])('%j is refused', (question, message) => {
    expect(() => ask(question)).toThrow(message)
  })
})

describe('contradictions', () => {
  it('of idempotence, asked for by a flag, are refused as by the Java producer', () => {
    expect(() => ask({ acks: 1, idempotence: true })).toThrow('ConfigException: Must set acks to all')
    expect(() => ask({ retries: 0, idempotence: true })).toThrow('ConfigException: Must set retries to non-zero')
    expect(() => ask({ maxInFlight: 6, idempotence: true })).toThrow('at most 5')
  })

  it('of idempotence that nobody asked for turn it off, and that is said', () => {
    const { configuration, notes } = ask({ acks: 1 })
    expect(configuration.producer).toMatchObject({
      idempotent: false,
      sequential: undefined,
      renewAfterError: undefined,
    })
    expect(notes[0]).toContain('Idempotence is silently off, because acks=1')
  })

  it('more replicas than brokers cannot be', () => {
    expect(() => ask({ replicationFactor: 4 })).toThrow(
      'INVALID_REPLICATION_FACTOR: The target replication factor of 4 cannot be reached because only 3 broker(s) are registered.',
    )
  })

  it('more in-sync replicas than replicas count as all of them', () => {
    const { configuration, notes } = ask({ minInsyncReplicas: 5 })
    expect(effectiveMinInsyncReplicas(configuration)).toBe(3)
    expect(notes.join('\n')).toContain('counts with the smaller of the two (KIP-966)')
  })

  it('min.insync.replicas says nothing of writes with acks=1', () => {
    const { notes } = ask({ acks: 1, minInsyncReplicas: 2 })
    expect(notes.join('\n')).toContain('min.insync.replicas has no say in whether a write with acks=1 is taken')
  })
})

describe('one request in flight', () => {
  it('means for a JavaScript application that it awaits each send', () => {
    const { configuration, notes } = ask({ idempotence: false, maxInFlight: 1 })
    expect(configuration.producer).toMatchObject({ idempotent: false, maxInFlight: 1, sequential: true })
    expect(notes).toContain('One request in flight: applications await each send before the next.')
    expect(ask({ idempotence: false, maxInFlight: 1, sequential: false }).configuration.producer.sequential).toBe(false)
  })
})

it('a configuration is shown by the keys of Kafka', () => {
  const rows = configurationRows(ask({ acks: 1, flushMessages: 1, client: 'kafkajs' }).configuration)
  expect(rows).toEqual([
    ['acks', '1'],
    ['min.insync.replicas', '1'],
    ['replication.factor', '3'],
    ['brokers', '3'],
    ['unclean.leader.election.enable', 'false'],
    ['eligible.leader.replicas.version', '1'],
    ['enable.idempotence', 'false'],
    ['log.flush.interval.messages', '1'],
    ['client', 'kafkajs'],
  ])
})
