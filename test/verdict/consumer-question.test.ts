import { describe, expect, it } from 'vitest'
import { configurationRows } from '../../harness/verdict/configuration.ts'
import type { VerdictConsumer } from '../../harness/verdict/consumer-configuration.ts'
import { type Question, type UnderstoodQuestion, understand } from '../../harness/verdict/question.ts'
import { NODE } from './support.ts'

const FROM_THE_BEGINNING = "Groups read from the beginning (auto.offset.reset=earliest; Kafka's default is latest)."
const PACKAGE = 'org.apache.kafka.clients.consumer.'

function ask(question: Question): UnderstoodQuestion {
  return understand({ client: 'java-semantics', ...question }, NODE)
}

function consumer(question: Question): VerdictConsumer | undefined {
  return ask(question).configuration.consumer
}

describe('a question about a group', () => {
  it('is one as soon as anything is said of it', () => {
    expect(consumer({})).toBeUndefined()
    expect(consumer({ sink: 'none' })).toBeDefined()
    expect(consumer({ consumerProperties: '' })).toBeDefined()
  })

  it("has Kafka's defaults and the client of the producers, unless something else is asked for", () => {
    expect(consumer({ sink: 'none' })).toEqual({
      clients: ['java-semantics'],
      protocol: 'classic',
      assignor: undefined,
      isStatic: false,
      commit: 'auto',
      autoCommitIntervalMs: undefined,
      isolationLevel: undefined,
      sink: 'none',
      sessionTimeoutMs: undefined,
      heartbeatIntervalMs: undefined,
      maxPollIntervalMs: undefined,
      maxPollRecords: undefined,
    })
    expect(ask({ sink: 'none' }).notes).toEqual([
      'The client commits on its own: enable.auto.commit is true by default.',
      FROM_THE_BEGINNING,
    ])
    expect(consumer({ consumer: 'kafkajs' })?.clients).toEqual(['kafkajs'])
    expect(understand({ sink: 'none' }, NODE).configuration.consumer?.clients).toEqual(['kafkajs', 'platformatic'])
  })

  it('has applications that commit when they are told to, or when their client may not', () => {
    expect(consumer({ commit: 'before' })?.commit).toBe('before')
    expect(consumer({ enableAutoCommit: false })?.commit).toBe('after')
    expect(ask({ commit: 'before' }).notes[0]).toBe(
      'enable.auto.commit is false, since the application commits (before).',
    )
    expect(ask({ enableAutoCommit: false }).notes[0]).toContain('Applications commit what they have processed')
  })

  it('is shown by the keys of Kafka', () => {
    const rows = configurationRows(ask({ commit: 'after', assignor: 'sticky' }).configuration)
    expect(rows.slice(-6)).toEqual([
      ['consumer', 'java-semantics'],
      ['group.protocol', 'classic'],
      ['partition.assignment.strategy', 'sticky'],
      ['enable.auto.commit', 'false'],
      ['commits', 'by the application, after it has processed a record'],
      ['sink', 'none'],
    ])
  })
})

describe('a consumer.properties file', () => {
  const file = [
    'bootstrap.servers=kafka:9092',
    'group.id=shipping',
    'enable.auto.commit=false',
    'auto.offset.reset=earliest',
    `partition.assignment.strategy=${PACKAGE}StickyAssignor, ${PACKAGE}RangeAssignor`,
    'isolation.level=read_committed',
    'session.timeout.ms=9000',
    'heartbeat.interval.ms=2000',
    'max.poll.interval.ms=20000',
    'max.poll.records=50',
    'group.instance.id=a',
    'fetch.min.bytes=10',
    'ssl.key.password=x',
  ].join('\n')

  it('is understood', () => {
    const { configuration, notes } = ask({ consumerProperties: file })
    expect(configuration.consumer).toEqual({
      clients: ['java-semantics'],
      protocol: 'classic',
      assignor: 'sticky',
      isStatic: true,
      commit: 'after',
      autoCommitIntervalMs: undefined,
      isolationLevel: 'read_committed',
      sink: 'none',
      sessionTimeoutMs: 9000,
      heartbeatIntervalMs: 2000,
      maxPollIntervalMs: 20_000,
      maxPollRecords: 50,
    })
    expect(notes).toEqual([
      'consumer.properties: the trial has its own bootstrap.servers, group.id.',
      'All members prefer sticky: the group uses no other of its assignors.',
      'Applications commit what they have processed (--commit before: before they do).',
      'Without transactions, which are not judged yet, both isolation levels read the same.',
    ])
  })

  it('gives way to flags', () => {
    const flags = { commit: 'before', assignor: 'range', isolationLevel: 'read_uncommitted' } as const
    expect(consumer({ consumerProperties: `enable.auto.commit=true\n${file}`, ...flags })).toMatchObject(flags)
  })

  it('may have keys that Kafka ignores; the nearest is named', () => {
    expect(ask({ consumerProperties: '\nisolation.levels=read_committed' }).notes[0]).toBe(
      'consumer.properties line 2: Kafka has no consumer setting isolation.levels and ignores it (did you mean isolation.level?).',
    )
  })

  it.each([
    ['enable.auto.commit=yes', 'invalid value "yes" for configuration enable.auto.commit: expected true or false'],
    ['isolation.level=serializable', 'expected one of read_uncommitted, read_committed'],
    ['group.protocol=new', 'expected one of classic, consumer'],
    ['partition.assignment.strategy=com.example.Mine', `expected one of ${PACKAGE}RangeAssignor (range)`],
    ['partition.assignment.strategy=', 'expected at least one assignor'],
    ['max.poll.records=0', 'expected a whole number from 1'],
    ['auto.offset.reset=latest', 'groups are judged with earliest only'],
    ['group.remote.assignor=range', "with the broker's first assignor only"],
    ['isolation.level=\\u00', 'malformed \\u escape'],
  ])('%s is refused', (consumerProperties, message) => {
    expect(() => ask({ consumerProperties })).toThrow(message)
  })
})

describe('contradictions of consumers', () => {
  it('commits of both are not judged, which Kafka takes', () => {
    expect(() => ask({ commit: 'after', enableAutoCommit: true })).toThrow('with --commit after Kafka takes both')
  })

  it('an interval of commits that are off has no say', () => {
    const { configuration, notes } = ask({ commit: 'after', autoCommitIntervalMs: 100 })
    expect(configuration.consumer?.autoCommitIntervalMs).toBeUndefined()
    expect(notes).toContain('auto.commit.interval.ms has no say: enable.auto.commit is false.')
  })

  it('what only the classic protocol takes is refused as by ConsumerConfig', () => {
    const consumerProperties = 'group.protocol=consumer\nsession.timeout.ms=9000'
    expect(() => ask({ client: 'platformatic', consumerProperties, assignor: 'roundrobin' })).toThrow(
      'ConfigException: partition.assignment.strategy, session.timeout.ms cannot be set when group.protocol=CONSUMER',
    )
  })

  it('a client is refused what it has not', () => {
    expect(() => ask({ consumer: 'kafkajs', groupProtocol: 'consumer' })).toThrow(
      'invalid value "consumer" for configuration group.protocol: kafkajs knows only classic',
    )
    expect(() => ask({ consumer: 'platformatic', groupProtocol: 'consumer' })).toThrow(
      'platformatic tells neither what it owns nor its epochs with it',
    )
    expect(() => ask({ consumer: 'platformatic', assignor: 'range' })).toThrow(
      'platformatic has only roundrobin, cooperative-sticky',
    )
    expect(() => ask({ consumer: 'kafkajs', consumerProperties: 'group.instance.id=a' })).toThrow('no static members')
    expect(() => ask({ consumer: 'platformatic', autoCommitIntervalMs: 5 })).toThrow('platformatic takes 100 or more')
  })

  it('of clients that nobody asked for, those are left that can', () => {
    const { configuration, notes } = understand({ assignor: 'cooperative-sticky' }, NODE)
    expect(configuration.consumer?.clients).toEqual(['platformatic'])
    expect(notes).toContain('Members are platformatic only: kafkajs has only roundrobin.')
    expect(() => understand({ assignor: 'range' }, NODE)).toThrow('--consumer java-semantics does')
    expect(() => understand({ groupProtocol: 'consumer' }, NODE)).toThrow('--consumer java-semantics does')
  })

  it('a codec that KafkaJS cannot read is refused before it ends its consumers', () => {
    const message = 'consumers of KafkaJS end at it with KafkaJSNotImplemented'
    const producerProperties = 'compression.type=zstd'
    expect(() => ask({ consumer: 'kafkajs', producerProperties })).toThrow(message)
    expect(() => ask({ consumer: 'kafkajs', topicProperties: 'compression.type=lz4' })).toThrow(message)
    expect(() =>
      ask({ consumer: 'kafkajs', producerProperties, topicProperties: 'compression.type=gzip' }),
    ).not.toThrow()
    expect(() => ask({ consumer: 'java-semantics', producerProperties })).not.toThrow()
  })

  it("the coordinators' topic is said to have what the topic has", () => {
    const note = '__consumer_offsets has the min.insync.replicas and the unclean elections of the topic.'
    expect(ask({ sink: 'none', minInsyncReplicas: 2 }).notes).toContain(note)
    expect(ask({ sink: 'none' }).notes).not.toContain(note)
  })

  it('a session beyond what the broker allows is refused as by its coordinator', () => {
    const consumerProperties = 'session.timeout.ms=9000'
    const brokerProperties = 'group.max.session.timeout.ms=8000'
    expect(() => ask({ consumerProperties, brokerProperties })).toThrow(
      'INVALID_SESSION_TIMEOUT: The session timeout of 9000 ms is not within the range allowed by the broker (group.min.session.timeout.ms=6000 and group.max.session.timeout.ms=8000).',
    )
    expect(() => ask({ consumerProperties: 'session.timeout.ms=5999' })).toThrow('INVALID_SESSION_TIMEOUT')
    expect(() => ask({ consumerProperties })).not.toThrow()
  })

  it('a heartbeat must come within the session', () => {
    const refusal = 'Heartbeat must be set lower than the session timeout'
    expect(() => ask({ consumerProperties: 'heartbeat.interval.ms=9000\nsession.timeout.ms=9000' })).toThrow(refusal)
    expect(() => ask({ consumerProperties: 'heartbeat.interval.ms=45000' })).toThrow(refusal)
    expect(() => ask({ consumerProperties: 'heartbeat.interval.ms=7000\nmax.poll.interval.ms=7000' })).toThrow(
      'need at least their session timeout, 7001 ms',
    )
  })

  it('a session that no fault outlasts is said to be one', () => {
    expect(ask({ consumerProperties: 'session.timeout.ms=45000' }).notes.join()).toContain(
      'faults hardly last that long',
    )
  })

  it('what only clients that poll have says nothing to others', () => {
    const { configuration, notes } = ask({ consumer: 'kafkajs', consumerProperties: 'max.poll.records=5' })
    expect(configuration.consumer?.maxPollRecords).toBeUndefined()
    expect(notes.join()).toContain('max.poll.records says nothing to KafkaJS')
  })
})
