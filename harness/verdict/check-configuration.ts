import { ConfigError } from '../../src/config/config-error.ts'
import { MAX_BROKERS } from '../trial/scenario.ts'
import { effectiveMinInsyncReplicas, type VerdictConfiguration } from './configuration.ts'
import { RefusedConfiguration } from './refused-configuration.ts'

/**
 * What cannot be, beside each other, of cluster, producers and consumers.
 *
 * @param notes takes what can be and surprises, each in a sentence
 * @throws ConfigError, RefusedConfiguration
 */
export function checkConfiguration(configuration: VerdictConfiguration, notes: string[]): void {
  checkCluster(configuration, notes)
  checkCodecs(configuration)
}

function checkCluster(configuration: VerdictConfiguration, notes: string[]): void {
  const { brokers, replicationFactor, minInsyncReplicas, producer } = configuration
  if (brokers > MAX_BROKERS) {
    throw new ConfigError('brokers', String(brokers), `a trial has at most ${MAX_BROKERS} brokers`)
  }
  if (replicationFactor > brokers) {
    throw new RefusedConfiguration(
      'INVALID_REPLICATION_FACTOR',
      `The target replication factor of ${replicationFactor} cannot be reached because only ${brokers} broker(s) are registered.`,
    )
  }
  const effective = effectiveMinInsyncReplicas(configuration)
  if (minInsyncReplicas > replicationFactor) {
    notes.push(
      `min.insync.replicas=${minInsyncReplicas} is above the replication factor of ${replicationFactor}. Kafka takes the topic and counts with the smaller of the two (KIP-966): writes with acks=all are taken while all ${effective} replicas are in sync.`,
    )
  }
  if (producer.acks !== -1 && minInsyncReplicas > 1) {
    notes.push(
      `min.insync.replicas has no say in whether a write with ${producer.acks === 1 ? 'acks=1' : 'acks=0'} is taken, only in when it can be read.`,
    )
  }
  if (configuration.consumer !== undefined && (minInsyncReplicas > 1 || configuration.uncleanLeaderElection)) {
    notes.push('__consumer_offsets has the min.insync.replicas and the unclean elections of the topic.')
  }
  if (producer.acks === -1 && effective === replicationFactor && replicationFactor > 1) {
    notes.push(
      'With as many in-sync replicas required as there are replicas, one broker that is down stops writes with acks=all.',
    )
  }
}

/** KafkaJS brings no codec but gzip: its consumers give up at another one. */
function checkCodecs({ producer, consumer, brokerConfig, topicConfig }: VerdictConfiguration): void {
  if (consumer?.clients.includes('kafkajs') !== true) return
  const key = 'compression.type'
  const codec = topicConfig[key] ?? brokerConfig[key] ?? 'producer'
  const used = codec === 'producer' ? (producer.compression ?? 'none') : codec
  if (['none', 'uncompressed', 'gzip'].includes(used)) return
  throw new ConfigError(key, used, 'consumers of KafkaJS end at it with KafkaJSNotImplemented: they read gzip only')
}
