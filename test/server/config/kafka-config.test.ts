import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../../src/config/config-error.ts'
import { LogConfig } from '../../../src/log/log-config.ts'
import { TOPIC_CONFIG_DEFS } from '../../../src/log/topic-config.ts'
import { BROKER_CONFIG_DEFS, brokerConfigDef } from '../../../src/server/config/definitions/index.ts'
import { isKnownButUnused } from '../../../src/server/config/definitions/known-keys.ts'
import { KafkaConfig } from '../../../src/server/config/kafka-config.ts'

const COMBINED = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093',
  'controller.listener.names': 'CONTROLLER',
  'controller.quorum.voters': '1@localhost:9093',
}

function config(overrides: Readonly<Record<string, string>> = {}, without: readonly string[] = []): KafkaConfig {
  const values = new Map(Object.entries({ ...COMBINED, ...overrides }))
  for (const key of without) values.delete(key)
  return KafkaConfig.fromProperties(values)
}

describe('KafkaConfig', () => {
  test('reads the server.properties that Kafka comes with', () => {
    const text = `
############################# Server Basics #############################
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093

listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
`
    const read = KafkaConfig.fromText(text)

    expect(read.warnings).toEqual([])
    expect(read.unusedKeys).toEqual([
      'share.coordinator.state.topic.replication.factor',
      'share.coordinator.state.topic.min.isr',
    ])
    expect(read.listeners).toEqual([{ name: 'PLAINTEXT', host: '', port: 9092 }])
    expect(read.controllerListeners).toEqual([{ name: 'CONTROLLER', host: '', port: 9093 }])
    expect(read.advertisedListeners).toEqual([{ name: 'PLAINTEXT', host: 'localhost', port: 9092 }])
    expect(read.logDirs).toEqual(['kraft-combined-logs'])
    expect([read.nodeId, read.isBroker, read.isController]).toEqual([1, true, true])
  })

  test("has Kafka's defaults", () => {
    const defaults = config()

    expect(defaults.getNumber('queued.max.requests')).toBe(500)
    expect(defaults.getNumber('num.io.threads')).toBe(8)
    expect(defaults.getNumber('fetch.max.bytes')).toBe(55 * 1024 * 1024)
    expect(defaults.getNumber('message.max.bytes')).toBe(1_048_588)
    expect(defaults.getNumber('broker.session.timeout.ms')).toBe(9000)
    expect(defaults.getNumber('log.flush.interval.messages')).toBe(2 ** 63)
    expect(defaults.getBoolean('auto.create.topics.enable')).toBe(true)
    expect(defaults.logRetentionMs).toBe(7 * 86_400_000)
    expect(defaults.get('log.retention.ms')).toBeNull()
  })

  test('every default is a value that its key allows', () => {
    for (const def of BROKER_CONFIG_DEFS) if (def.defaultValue !== null) def.validate(def.defaultValue)
  })

  test('no key is defined twice, or both used and unused', () => {
    expect(new Set(BROKER_CONFIG_DEFS.map(def => def.key)).size).toBe(BROKER_CONFIG_DEFS.length)
    expect(BROKER_CONFIG_DEFS.filter(def => isKnownButUnused(def.key))).toEqual([])
  })

  test('every broker key that gives a default to topics is defined, with the default that topics have', () => {
    for (const { key, brokerKeys, defaultValue } of TOPIC_CONFIG_DEFS) {
      for (const brokerKey of brokerKeys)
        expect(brokerConfigDef(brokerKey.key), `${key}: ${brokerKey.key}`).toBeDefined()
      const given = brokerKeys.map(({ key: name, factor }) => ({ value: brokerConfigDef(name)?.defaultValue, factor }))
      const strongest = given.find(({ value }) => value !== null && value !== undefined)
      if (strongest?.value == null) continue
      const scaled = strongest.factor === 1 ? strongest.value : String(Number(strongest.value) * strongest.factor)
      expect(scaled, key).toBe(defaultValue)
    }
  })

  test.each([
    [{ 'log.retention.ms': '5', 'log.retention.minutes': '7', 'log.retention.hours': '9' }, 5],
    [{ 'log.retention.minutes': '7', 'log.retention.hours': '9' }, 7 * 60_000],
    [{ 'log.retention.hours': '9' }, 9 * 3_600_000],
    [{ 'log.retention.ms': '-1', 'log.retention.hours': '9' }, -1],
  ])('takes milliseconds over minutes over hours: %j', (values, expected) => {
    expect(config(values).logRetentionMs).toBe(expected)
  })

  test('makes the defaults of topics', () => {
    const defaults = config({ 'log.segment.bytes': '2097152', 'min.insync.replicas': '2', 'log.roll.hours': '1' })

    const topic = LogConfig.fromProps(defaults.topicDefaults(), new Map())

    expect([topic.segmentBytes, topic.minInsyncReplicas, topic.segmentMs]).toEqual([2_097_152, 2, 3_600_000])
  })

  test('warns of an unknown key, with its line and the key that was meant', () => {
    const text = `${Object.entries(COMBINED)
      .map(([key, value]) => `${key}=${value}`)
      .join('\n')}\nnum.network.thread=4\nzookeeper.connect=x:2181\nmy.own=1\n`

    const { warnings } = KafkaConfig.fromText(text)

    expect(warnings.map(({ key, line, nearest }) => [key, line, nearest])).toEqual([
      ['num.network.thread', 6, 'num.network.threads'],
      ['zookeeper.connect', 7, undefined],
      ['my.own', 8, undefined],
    ])
    expect(warnings[0]?.message).toBe(
      'unknown configuration num.network.thread (line 6), did you mean num.network.threads?',
    )
  })

  test.each<[Record<string, string>, string]>([
    [{ 'num.io.threads': '0' }, 'num.io.threads: expected a whole number from 1 to 2147483647'],
    [{ 'num.io.threads': 'many' }, 'num.io.threads: expected a whole number from 1 to 2147483647'],
    [{ 'num.io.threads': '2147483648' }, 'num.io.threads: expected a whole number from 1 to 2147483647'],
    [{ 'num.io.threads': '1.5' }, 'num.io.threads: expected a whole number'],
    [{ 'log.flush.interval.messages': '0' }, 'log.flush.interval.messages: expected a whole number from 1 up'],
    [{ 'auto.create.topics.enable': 'yes' }, 'auto.create.topics.enable: expected true or false'],
    [{ 'log.cleaner.min.cleanable.ratio': '2' }, 'log.cleaner.min.cleanable.ratio: expected a number from 0 to 1'],
    [{ 'log.cleaner.threads': '0' }, 'log.cleaner.threads: expected at least 1'],
    [
      { 'log.cleaner.threads': '4', 'log.cleaner.dedupe.buffer.size': '4194304' },
      'log.cleaner.dedupe.buffer.size: expected more than 1048576 for each of the log.cleaner.threads, which are 4',
    ],
    [
      { 'compression.type': 'rar' },
      'compression.type: expected one of uncompressed, zstd, lz4, snappy, gzip, producer',
    ],
    [{ 'log.cleanup.policy': 'delete,shred' }, 'log.cleanup.policy: expected only one of compact, delete'],
    [{ 'process.roles': 'broker,boss' }, 'process.roles: expected only one of broker, controller'],
    [{ 'process.roles': '' }, 'process.roles: expected broker, controller, or broker,controller'],
    [{ 'node.id': '-1' }, 'node.id: expected a whole number from 0 up'],
    [{ listeners: 'PLAINTEXT:9092' }, 'listeners: expected a list of NAME://host:port, found "PLAINTEXT:9092"'],
    [{ listeners: 'PLAINTEXT://:99999,CONTROLLER://:9093' }, 'listeners: expected a list of NAME://host:port'],
    [{ listeners: 'PLAINTEXT://:9092,CONTROLLER://:9092' }, 'each listener must have a different port'],
    [{ listeners: 'A://:9092,A://:9093' }, 'each listener must have a different name, A comes twice'],
    [{ listeners: 'PLAINTEXT://:9092' }, 'controller.listener.names: must name one of the listeners'],
    [{ 'advertised.listeners': 'PLAINTEXT://0.0.0.0:9092' }, 'must have an address that clients can reach'],
    [{ 'advertised.listeners': 'OTHER://x:9092' }, 'listener OTHER must be one of listeners'],
    [
      { 'inter.broker.listener.name': 'INTERNAL' },
      'inter.broker.listener.name: must be one of the advertised listeners',
    ],
    [
      { 'listener.security.protocol.map': 'PLAINTEXT:SSL,CONTROLLER:PLAINTEXT' },
      'listener.security.protocol.map: listener PLAINTEXT has SSL, only PLAINTEXT is built',
    ],
    [{ 'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT' }, 'must have an entry for listener CONTROLLER'],
    [
      { 'controller.quorum.voters': '2@localhost:9093' },
      'controller.quorum.voters: must hold this node, whose id is 1',
    ],
    [{ 'controller.quorum.voters': 'localhost:9093' }, 'controller.quorum.voters: expected a list of id@host:port'],
    [{ 'controller.quorum.voters': '' }, 'controller.quorum.voters: expected a list of id@host:port'],
    [{ 'log.retention.hours': '0' }, 'log.retention.hours: expected -1 for ever, or at least 1'],
    [
      { 'queued.max.request.bytes': '1000' },
      'queued.max.request.bytes: expected -1, or at least socket.request.max.bytes',
    ],
    [{ 'replica.fetch.wait.max.ms': '40000' }, 'replica.fetch.wait.max.ms: must be at most replica.lag.time.max.ms'],
    [{ 'max.connections.per.ip.overrides': 'host' }, 'expected a list of host:count, found "host"'],
    [{ 'max.connections.per.ip': '0' }, 'may be 0 only with max.connections.per.ip.overrides'],
  ])('stops at %j, in one line that says what is allowed', (overrides, message) => {
    const read = () => config(overrides)

    expect(read).toThrow(ConfigError)
    expect(read).toThrow(message)
    expect(read).not.toThrow('\n')
  })

  test('a node that is only a broker listens on no controller listener', () => {
    const broker = { 'process.roles': 'broker', 'node.id': '2', listeners: 'PLAINTEXT://:9092' }

    expect(config(broker).controllerListeners).toEqual([])
    expect(() => config({ ...broker, listeners: COMBINED.listeners })).toThrow('must not hold a controller listener')
  })

  test('advertises localhost when it listens everywhere', () => {
    expect(config().advertisedListeners).toEqual([{ name: 'PLAINTEXT', host: 'localhost', port: 9092 }])
  })

  test('overrides replace what stands in the file', () => {
    const text = `${Object.entries(COMBINED)
      .map(([key, value]) => `${key}=${value}`)
      .join('\n')}\nnum.io.threads=broken\n`

    expect(KafkaConfig.fromText(text, new Map([['num.io.threads', '2']])).getNumber('num.io.threads')).toBe(2)
  })
})
