import {
  ApiException,
  type ConsumerRecord,
  IllegalStateException,
  KafkaConsumer,
  stringSerde,
  TimeoutException,
} from '../../../src/clients/index.ts'
import { ErrorCode } from '../../../src/protocol/errors.ts'
import type { TopicPartition } from '../../../src/protocol/topic-partition.ts'
import { identityOf } from '../../history/history.ts'
import { type GroupSpec, maxPollRecordsFor } from '../../trial/group-spec.ts'
import type { ConsumerClient, ConsumerOptions } from './consumer-client.ts'

const POLL_MS = 1000

/**
 * This package's own consumer, with the semantics of the Java client, in the process of the application. It is driven as
 * applications drive the Java client: a loop that polls, handles what came, and polls again. A record that could not be
 * handled is sought back to, and so is what comes after it.
 */
export function createJavaSemanticsConsumer(options: ConsumerOptions): ConsumerClient {
  const { spec, topic, listener, instanceId, runtime } = options
  const config = {
    'bootstrap.servers': options.bootstrap,
    'client.id': options.clientId,
    'group.id': options.groupId,
    ...protocolConfig(spec),
    'auto.offset.reset': 'earliest',
    'max.poll.interval.ms': spec.rebalanceTimeoutMs,
    'max.poll.records': maxPollRecordsFor(spec),
    'enable.auto.commit': spec.commit === 'auto',
    ...(spec.autoCommitIntervalMs === null ? {} : { 'auto.commit.interval.ms': spec.autoCommitIntervalMs }),
    ...(spec.isolationLevel === undefined ? {} : { 'isolation.level': spec.isolationLevel }),
    ...(instanceId === null ? {} : { 'group.instance.id': instanceId }),
  }
  let generation: number | undefined
  const consumer = new KafkaConsumer<string, string>(runtime, config, {
    keyDeserializer: stringSerde,
    valueDeserializer: stringSerde,
    interceptors: [
      {
        onCommit: offsets => {
          if (spec.commit !== 'auto') return
          const done = [...offsets].map(([{ partition }, { offset }]) => ({ partition, offset }))
          listener.committed(done, generation)
        },
      },
    ],
    onWarning: listener.log,
  })
  let closing = false
  let ended: Promise<void> = Promise.resolve()

  const assigned = (revoked: readonly TopicPartition[] = []): void => {
    const { generationId, memberId } = consumer.groupMetadata()
    generation = generationId
    const given = new Set(revoked.map(({ partition }) => partition))
    const partitions = consumer.assignment().flatMap(({ partition }) => (given.has(partition) ? [] : [partition]))
    listener.assigned({ generation: generationId, memberId, partitions: partitions.sort((a, b) => a - b) })
  }

  /** From which on nothing was handled: each of its partitions is read there again. */
  const seekBack = (records: readonly ConsumerRecord<string, string>[]): void => {
    for (const { partition, offset } of records.toReversed()) {
      try {
        consumer.seek({ topic, partition }, offset)
      } catch (error) {
        // It belongs to somebody else by now, who reads it from what is committed.
        if (!(error instanceof IllegalStateException)) throw error
      }
    }
  }

  const handle = async (records: readonly ConsumerRecord<string, string>[]): Promise<void> => {
    for (const [index, { partition, offset, key, value }] of records.entries()) {
      try {
        if (!closing) {
          await listener.handle({ partition, offset, id: identityOf(key ?? undefined, value) })
          continue
        }
      } catch (error) {
        listener.log(`cannot handle offset ${offset} of partition ${partition}: ${error}`)
      }
      seekBack(records.slice(index))
      return
    }
  }

  const run = async (): Promise<void> => {
    try {
      while (!closing) await handle([...(await consumer.poll(POLL_MS))])
    } catch (error) {
      if (closing) return
      closing = true
      listener.gaveUp(error)
      await consumer.close({ timeoutMs: 0 })
    }
  }

  return {
    start: async () => {
      await consumer.subscribe([topic], {
        onPartitionsAssigned: () => assigned(),
        onPartitionsRevoked: partitions => {
          // With the classic protocol what is kept is told again at once; with the other one the member goes on reading it.
          const isKept = spec.protocol === 'consumer' && partitions.length < consumer.assignment().length
          if (isKept) assigned(partitions)
          else listener.revoked()
        },
        onPartitionsLost: () => listener.revoked(),
      })
      ended = run()
    },
    commit: ({ partition, offset }) => consumer.commitSync([[{ topic, partition }, { offset: offset + 1 }]]),
    close: async () => {
      closing = true
      consumer.wakeup()
      await ended
      await consumer.close()
    },
    brokerErrorOf: error => {
      if (!(error instanceof ApiException) || error instanceof TimeoutException) return undefined
      return error.code === ErrorCode.NETWORK_EXCEPTION ? undefined : error.errorName
    },
    // It tries again by itself, so that what was refused at last may have been applied at first.
    isDefiniteRefusal: () => false,
  }
}

/** What only one of the protocols takes: with the consumer protocol timeouts are the coordinator's (KIP-848). */
function protocolConfig({ protocol, assignor, sessionTimeoutMs, heartbeatIntervalMs }: GroupSpec) {
  if (protocol === 'consumer') {
    return { 'group.protocol': protocol, ...(assignor === 'range' ? { 'group.remote.assignor': assignor } : {}) }
  }
  return {
    'group.protocol': protocol,
    'partition.assignment.strategy': assignor,
    'session.timeout.ms': sessionTimeoutMs,
    'heartbeat.interval.ms': heartbeatIntervalMs,
  }
}
