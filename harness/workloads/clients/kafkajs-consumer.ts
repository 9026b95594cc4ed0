import kafkajs, { type LogEntry } from 'kafkajs'
import { identityOf } from '../../history/history.ts'
import { COMMIT_REFUSALS, type ConsumerClient, type ConsumerOptions } from './consumer-client.ts'
import { errorChain } from './kafkajs.ts'

const { Kafka, logLevel } = kafkajs

/** What it says each time that it asks for nothing, and how often it may in its life: a few times when it is stopped. */
const ASKED_WHILE_STOPPED = 'consumer not running, exiting'
const MOST_ASKED_WHILE_STOPPED = 10_000

/**
 * The unmodified KafkaJS consumer. When the brokers change while it is being stopped, it makes new fetchers that nobody stops:
 * they ask for ever, without letting anything else in the process run. Such a process has to be killed.
 */
export function createKafkaJsConsumer(options: ConsumerOptions): ConsumerClient {
  const { spec, topic, groupId, listener } = options
  let attempts = 0
  let asked = 0
  // Its events tell neither generation nor attempts; its own log does, at the level of debugging.
  const read = (entry: LogEntry): void => {
    if (entry.log.message.startsWith('Error while committing offsets')) attempts++
    if (entry.log.message === 'Received assignment') listener.assigned(assignmentIn(entry.log, topic))
    if (entry.log.message === ASKED_WHILE_STOPPED && ++asked >= MOST_ASKED_WHILE_STOPPED) {
      const frozen = new Error('it spins without end, its process is frozen')
      if (asked === MOST_ASKED_WHILE_STOPPED) listener.gaveUp(frozen)
      throw frozen
    }
    if (entry.level > logLevel.WARN || entry.level === logLevel.NOTHING) return
    const detail = typeof entry.log['error'] === 'string' ? `: ${entry.log['error']}` : ''
    listener.log(`${entry.label} ${entry.log.message}${detail}`)
  }
  const kafka = new Kafka({
    clientId: options.clientId,
    brokers: [...options.bootstrap],
    logLevel: logLevel.DEBUG,
    logCreator: () => read,
  })
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: spec.sessionTimeoutMs,
    rebalanceTimeout: spec.rebalanceTimeoutMs,
    heartbeatInterval: spec.heartbeatIntervalMs,
    ...(spec.isolationLevel === undefined ? {} : { readUncommitted: spec.isolationLevel === 'read_uncommitted' }),
  })
  consumer.on(consumer.events.REBALANCING, () => listener.revoked())
  consumer.on(consumer.events.STOP, () => listener.revoked())
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) listener.gaveUp(payload.error)
  })
  consumer.on(consumer.events.COMMIT_OFFSETS, ({ payload }) => {
    const partitions = payload.topics.flatMap(entry => (entry.topic === topic ? entry.partitions : []))
    const offsets = partitions.map(({ partition, offset }) => ({
      partition: Number(partition),
      offset: Number(offset),
    }))
    listener.committed(offsets, payload.memberId === '' ? undefined : payload.groupGenerationId)
  })
  const brokerErrorOf = (error: unknown): string | undefined =>
    errorChain(error).find(({ type }) => type !== undefined)?.type
  return {
    start: async () => {
      await consumer.connect()
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      await consumer.run({
        autoCommit: spec.commit === 'auto',
        autoCommitInterval: spec.autoCommitIntervalMs,
        eachMessage: ({ partition, message: { offset, key, value } }) =>
          listener.handle({ partition, offset: Number(offset), id: identityOf(key?.toString(), value) }),
      })
    },
    commit: ({ partition, offset }) => {
      attempts = 0
      return consumer.commitOffsets([{ topic, partition, offset: String(offset + 1) }])
    },
    close: () => consumer.disconnect(),
    brokerErrorOf,
    // Of several attempts an earlier one may have been applied although its answer never came.
    isDefiniteRefusal: error => attempts <= 1 && COMMIT_REFUSALS.has(brokerErrorOf(error) ?? ''),
  }
}

function assignmentIn(log: LogEntry['log'], topic: string) {
  const given = log['memberAssignment'] as Readonly<Record<string, readonly number[]>>
  const partitions = [...(given[topic] ?? [])].sort((a, b) => a - b)
  return { generation: Number(log['generationId']), memberId: String(log['memberId']), partitions }
}
