import { Consumer, stringDeserializers } from '@platformatic/kafka'
import { Kafka, logLevel } from 'kafkajs'

/*
 * A member of a group as a process of its own, which a test can kill. What it is comes as JSON in the first argument; what
 * happens to it goes out as JSON, one event a line. SIGTERM lets it leave the group and end.
 */

export interface GroupMemberOptions {
  readonly client: 'kafkajs' | 'platformatic'
  /** `host:port` of brokers, with commas between them. */
  readonly bootstrap: string
  readonly groupId: string
  readonly topic: string
  readonly sessionTimeoutMs: number
  /** Null: a dynamic member; kafkajs knows no other. */
  readonly groupInstanceId: string | null
  /** Default: the classic one. With the consumer protocol (KIP-848) the broker sets the session timeout. */
  readonly groupProtocol?: 'classic' | 'consumer'
}

export type GroupMemberEvent =
  | {
      readonly event: 'joined'
      readonly generation: number
      readonly memberId: string
      readonly partitions: readonly number[]
    }
  | { readonly event: 'record'; readonly value: string }

const HEARTBEAT_INTERVAL_MS = 200

function tell(event: GroupMemberEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

async function kafkajsMember(options: GroupMemberOptions): Promise<() => Promise<void>> {
  const { bootstrap, groupId, topic, sessionTimeoutMs } = options
  const kafka = new Kafka({ brokers: bootstrap.split(','), clientId: 'kafkajs', logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: 30_000,
    heartbeatInterval: HEARTBEAT_INTERVAL_MS,
    maxWaitTimeInMs: 100,
  })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    const { memberId, memberAssignment } = payload
    tell({ event: 'joined', generation: -1, memberId, partitions: memberAssignment[topic] ?? [] })
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      tell({ event: 'record', value: String(message.value) })
    },
  })
  return () => consumer.disconnect()
}

/**
 * One that speaks the consumer protocol tells of each assignment that it is given. When its session has ended it is lost: it
 * repeats its epoch to UNKNOWN_MEMBER_ID instead of joining anew (platformatic 2.12). Its group ids have no spaces.
 */
async function consumerProtocolMember(options: GroupMemberOptions): Promise<() => Promise<void>> {
  const { bootstrap, groupId, topic } = options
  const consumer = new Consumer({
    clientId: 'platformatic',
    bootstrapBrokers: bootstrap.split(','),
    groupId,
    groupProtocol: 'consumer',
    rebalanceTimeout: 60_000,
    maxWaitTime: 100,
    deserializers: stringDeserializers,
  })
  let told = ''
  consumer.on('consumer:heartbeat:end', () => {
    const partitions = consumer.assignments?.find(assignment => assignment.topic === topic)?.partitions ?? []
    if (String(partitions) === told) return
    told = String(partitions)
    tell({ event: 'joined', generation: -1, memberId: consumer.memberId ?? '', partitions })
  })
  const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest' })
  stream.on('data', message => tell({ event: 'record', value: message.value }))
  return () => consumer.close(true)
}

async function platformaticMember(options: GroupMemberOptions): Promise<() => Promise<void>> {
  const { bootstrap, groupId, topic, sessionTimeoutMs, groupInstanceId } = options
  const consumer = new Consumer({
    clientId: 'platformatic',
    bootstrapBrokers: bootstrap.split(','),
    groupId,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: 30_000,
    heartbeatInterval: HEARTBEAT_INTERVAL_MS,
    maxWaitTime: 100,
    deserializers: stringDeserializers,
    ...(groupInstanceId === null ? {} : { groupInstanceId }),
  })
  consumer.on('consumer:group:join', ({ generationId, memberId, assignments }) => {
    const partitions = assignments?.find(assignment => assignment.topic === topic)?.partitions ?? []
    tell({ event: 'joined', generation: generationId ?? -1, memberId, partitions })
  })
  const stream = await consumer.consume({
    topics: [topic],
    mode: 'committed',
    fallbackMode: 'earliest',
    autocommit: true,
  })
  stream.on('data', message => tell({ event: 'record', value: message.value }))
  return () => consumer.close(true)
}

const options: GroupMemberOptions = JSON.parse(process.argv[2] ?? '')
const leave = await begin()

function begin(): Promise<() => Promise<void>> {
  if (options.client === 'kafkajs') return kafkajsMember(options)
  return options.groupProtocol === 'consumer' ? consumerProtocolMember(options) : platformaticMember(options)
}

process.once('SIGTERM', () => {
  leave().finally(() => process.exit(0))
})
