import { type AbstractConfig, reconnectBackoffMaxMs } from './abstract-config.ts'
import type { KafkaClientOptions } from './kafka-client.ts'

/** What a `KafkaClient` takes from the configuration of the client that it belongs to. */
export function kafkaClientOptions(
  config: AbstractConfig,
): Omit<KafkaClientOptions, 'clientId' | 'metadata' | 'maxInFlightRequestsPerConnection'> {
  return {
    reconnectBackoffMs: config.getNumber('reconnect.backoff.ms'),
    reconnectBackoffMaxMs: reconnectBackoffMaxMs(config),
    sendBufferBytes: config.getNumber('send.buffer.bytes'),
    receiveBufferBytes: config.getNumber('receive.buffer.bytes'),
    requestTimeoutMs: config.getNumber('request.timeout.ms'),
    socketConnectionSetupTimeoutMs: config.getNumber('socket.connection.setup.timeout.ms'),
    socketConnectionSetupTimeoutMaxMs: config.getNumber('socket.connection.setup.timeout.max.ms'),
    connectionsMaxIdleMs: config.getNumber('connections.max.idle.ms'),
    metadataRecoveryStrategy: config.getString('metadata.recovery.strategy') === 'none' ? 'none' : 'rebootstrap',
    metadataRecoveryRebootstrapTriggerMs: config.getNumber('metadata.recovery.rebootstrap.trigger.ms'),
  }
}
