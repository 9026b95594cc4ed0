import { ConfigError } from '../../config/config-error.ts'
import type { KafkaConfig } from './kafka-config.ts'

const MIN_DEDUPE_BYTES_PER_THREAD = 1_048_576

/** Kafka's rules for values that must go together. Throws ConfigError. */
export function checkCombinations(config: KafkaConfig): void {
  const value = (key: string) => config.get(key) ?? ''
  const atMost = (key: string, other: string) => {
    if (config.getNumber(key) > config.getNumber(other)) {
      throw new ConfigError(key, value(key), `must be at most ${other}, which is ${value(other)}`)
    }
  }
  for (const key of ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours']) {
    if (config.get(key) !== null && config.getNumber(key) === 0) {
      throw new ConfigError(key, value(key), 'expected -1 for ever, or at least 1')
    }
  }
  atMost('replica.fetch.wait.max.ms', 'replica.lag.time.max.ms')
  atMost('replica.fetch.wait.max.ms', 'replica.socket.timeout.ms')
  atMost('log.cleaner.min.compaction.lag.ms', 'log.cleaner.max.compaction.lag.ms')
  const cleanerThreads = config.getNumber('log.cleaner.threads')
  if (cleanerThreads < 1)
    throw new ConfigError('log.cleaner.threads', value('log.cleaner.threads'), 'expected at least 1')
  if (config.getNumber('log.cleaner.dedupe.buffer.size') / cleanerThreads <= MIN_DEDUPE_BYTES_PER_THREAD) {
    throw new ConfigError(
      'log.cleaner.dedupe.buffer.size',
      value('log.cleaner.dedupe.buffer.size'),
      `expected more than ${MIN_DEDUPE_BYTES_PER_THREAD} for each of the log.cleaner.threads, which are ${cleanerThreads}`,
    )
  }
  const queuedBytes = config.getNumber('queued.max.request.bytes')
  if (queuedBytes > 0 && queuedBytes < config.getNumber('socket.request.max.bytes')) {
    const least = `at least socket.request.max.bytes, which is ${value('socket.request.max.bytes')}`
    throw new ConfigError('queued.max.request.bytes', value('queued.max.request.bytes'), `expected -1, or ${least}`)
  }
  const overrides = config.maxConnectionsPerIpOverrides
  if (config.getNumber('max.connections.per.ip') === 0 && overrides.size === 0) {
    throw new ConfigError('max.connections.per.ip', '0', 'may be 0 only with max.connections.per.ip.overrides')
  }
  checkConsumerGroups(config, atMost)
  if (config.logDirs.length === 0) {
    throw new ConfigError('log.dirs', value('log.dirs'), 'expected at least one directory')
  }
}

/** As Kafka's GroupCoordinatorConfig. */
function checkConsumerGroups(config: KafkaConfig, atMost: (key: string, other: string) => void): void {
  for (const what of ['heartbeat.interval.ms', 'session.timeout.ms']) {
    atMost(`group.consumer.min.${what}`, `group.consumer.max.${what}`)
    atMost(`group.consumer.min.${what}`, `group.consumer.${what}`)
    atMost(`group.consumer.${what}`, `group.consumer.max.${what}`)
  }
  const [interval, timeout] = ['group.consumer.heartbeat.interval.ms', 'group.consumer.session.timeout.ms'] as const
  if (config.getNumber(interval) >= config.getNumber(timeout)) {
    const problem = `must be less than ${timeout}, which is ${config.get(timeout)}`
    throw new ConfigError(interval, config.get(interval) ?? '', problem)
  }
  if (config.getList('group.consumer.assignors').length === 0) {
    throw new ConfigError('group.consumer.assignors', '', 'expected at least one of uniform, range')
  }
}
