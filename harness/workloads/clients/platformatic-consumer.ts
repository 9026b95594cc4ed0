import {
  Consumer,
  FetchIsolationLevels,
  type GroupAssignment,
  type MessagesStream,
  stringDeserializers,
} from '@platformatic/kafka'
import { errorName } from '../../../src/protocol/errors.ts'
import { identityOf } from '../../history/history.ts'
import type { ConsumedRecord, ConsumerClient, ConsumerOptions } from './consumer-client.ts'
import { apiCodesOf } from './platformatic.ts'

const ISOLATION_LEVEL = {
  read_uncommitted: FetchIsolationLevels.READ_UNCOMMITTED,
  read_committed: FetchIsolationLevels.READ_COMMITTED,
} as const

type Commit = () => void | Promise<void>

/** The unmodified @platformatic/kafka consumer. */
export function createPlatformaticConsumer(options: ConsumerOptions): ConsumerClient {
  const { spec, topic, groupId, listener, instanceId } = options
  const common = {
    clientId: options.clientId,
    groupId,
    bootstrapBrokers: [...options.bootstrap],
    rebalanceTimeout: spec.rebalanceTimeoutMs,
    // With the consumer protocol its broker decides; the client still wants no longer one than the rebalance timeout.
    sessionTimeout: spec.sessionTimeoutMs,
    deserializers: stringDeserializers,
    ...(spec.isolationLevel === undefined ? {} : { isolationLevel: ISOLATION_LEVEL[spec.isolationLevel] }),
    ...(instanceId === null ? {} : { groupInstanceId: instanceId }),
  }
  const consumer =
    spec.protocol === 'consumer'
      ? new Consumer<string, string, string, string>({ ...common, groupProtocol: 'consumer' })
      : new Consumer<string, string, string, string>({
          ...common,
          heartbeatInterval: spec.heartbeatIntervalMs,
          protocols: [{ name: spec.assignor, version: 1 }],
        })
  const commits = new WeakMap<ConsumedRecord, Commit>()
  let stream: MessagesStream<string, string, string, string> | undefined
  let isOver = false
  const giveUp = (error: unknown): void => {
    if (isOver) return
    isOver = true
    listener.gaveUp(error)
  }
  // Told when it could not join again: it sends no heartbeats any more. Without a listener the event ends the process.
  consumer.on('error', giveUp)
  consumer.on('consumer:group:join', payload => {
    const { memberId, generationId, assignments } = payload as unknown as Joined
    const given = (assignments ?? []).filter(assignment => assignment.topic === topic)
    const partitions = given.flatMap(assignment => assignment.partitions).sort((a, b) => a - b)
    listener.assigned({ generation: generationId, memberId: memberId ?? '', partitions })
  })
  consumer.on('consumer:group:rebalance', () => listener.revoked())
  const brokerErrorOf = (error: unknown): string | undefined => {
    const [code] = apiCodesOf(error)
    return code === undefined ? undefined : errorName(code)
  }
  const read = async (messages: MessagesStream<string, string, string, string>): Promise<void> => {
    for await (const { key, value, partition, offset, commit } of messages) {
      const record = { partition, offset: Number(offset), id: identityOf(key, value) }
      commits.set(record, commit)
      await listener.handle(record)
    }
  }
  return {
    start: async () => {
      stream = await consumer.consume({
        topics: [topic],
        mode: 'committed',
        fallbackMode: 'earliest',
        autocommit: spec.commit === 'auto' ? (spec.autoCommitIntervalMs ?? true) : false,
      })
      stream.on('autocommit', (error, offsets) => {
        if (error !== null || offsets === undefined || spec.commit !== 'auto') return
        const done = offsets.map(({ partition, offset }) => ({ partition, offset: Number(offset) }))
        listener.committed(done, undefined)
      })
      read(stream).catch(giveUp)
    },
    commit: async record => {
      await commits.get(record)?.()
    },
    close: async () => {
      isOver = true
      await stream?.close()
      await consumer.close()
      listener.revoked()
    },
    brokerErrorOf,
    // It rejoins and commits again by itself, so that what was refused at last may have been applied at first.
    isDefiniteRefusal: () => false,
  }
}

interface Joined {
  readonly memberId: string | null
  readonly generationId: number
  readonly assignments: readonly GroupAssignment[] | null
}
