import fc from 'fast-check'
import { MetadataDelta } from '../../../src/controller/image/metadata-delta.ts'
import { MetadataImage } from '../../../src/controller/image/metadata-image.ts'
import type { MetadataRecord } from '../../../src/controller/metadata-records.ts'
import type { PartitionRegistration } from '../../../src/controller/partition-registration.ts'

type Draw = readonly [kind: number, a: number, b: number, c: number]

const NAMES = ['alpha', 'beta', 'gamma']
const KEYS = ['retention.ms', 'min.insync.replicas']

/** Records that could stand in a metadata log: each is valid after those before it. */
export const historyArbitrary: fc.Arbitrary<readonly MetadataRecord[]> = fc
  .array(fc.tuple(fc.nat(99), fc.nat(7), fc.nat(7), fc.nat(7)), { maxLength: 60, size: 'max' })
  .map(draws => {
    const records: MetadataRecord[] = []
    let image = MetadataImage.EMPTY
    draws.forEach((draw, index) => {
      for (const record of recordsFor(draw, image, index)) {
        records.push(record)
        image = replay(image, [record])
      }
    })
    return records
  })

export function replay(image: MetadataImage, records: readonly MetadataRecord[]): MetadataImage {
  const delta = new MetadataDelta(image)
  for (const record of records) delta.replay(record)
  return delta.apply({
    lastContainedOffset: image.offset + records.length,
    lastContainedEpoch: 1,
    lastContainedLogTimeMs: 0,
  })
}

/** All that an image says, in the order in which it says it. */
export function contents({ features, cluster, topics, configs, producerIds }: MetadataImage): string {
  return JSON.stringify({ features, cluster, topics, configs, producerIds }, (_, value: unknown) =>
    value instanceof Map ? [...value] : value,
  )
}

function recordsFor([kind, a, b, c]: Draw, image: MetadataImage, index: number): MetadataRecord[] {
  const topic = [...image.topics.topicsById.values()][a]
  const partitionId = topic === undefined ? 0 : b % (topic.partitions.size + 1)
  const partition = topic?.partitions.get(partitionId)
  if (kind < 10) return registerBroker(a, index, b, c)
  if (kind < 20) return changeBroker(image, a, b, c)
  if (kind < 24) return unregisterBroker(image, a)
  if (kind < 35) return createTopic(image, a, index)
  if (kind < 40) return topic === undefined ? [] : [{ type: 'RemoveTopicRecord', data: { topicId: topic.id } }]
  if (kind < 50 && topic !== undefined && partition === undefined) return createPartition(topic.id, partitionId, c)
  if (kind < 75 && topic !== undefined && partition !== undefined) {
    return changePartition(topic.id, partitionId, partition, kind, c)
  }
  if (kind < 78) return [{ type: 'ClearElrRecord', data: { topicName: topic?.name ?? '' } }]
  if (kind < 90) return config(image, a, b, c)
  if (kind < 95) return [{ type: 'FeatureLevelRecord', data: { name: `feature-${a % 2}`, featureLevel: b % 3 } }]
  const nextProducerId = image.producerIds.nextProducerId + 1000
  return [{ type: 'ProducerIdsRecord', data: { brokerId: a, brokerEpoch: 1, nextProducerId } }]
}

function registerBroker(brokerId: number, index: number, b: number, c: number): MetadataRecord[] {
  return [
    {
      type: 'RegisterBrokerRecord',
      data: {
        brokerId,
        isMigratingZkBroker: false,
        incarnationId: id('Incarnation', index),
        brokerEpoch: index,
        endPoints: [{ name: 'PLAINTEXT', host: `host-${b}`, port: 9092 + c, securityProtocol: 0 }],
        features: [{ name: 'metadata.version', minSupportedVersion: b, maxSupportedVersion: b + c }],
        rack: b % 2 === 0 ? null : `rack-${b}`,
        fenced: c % 2 === 0,
        inControlledShutdown: false,
        logDirs: [id('Directory', brokerId)],
      },
    },
  ]
}

function changeBroker(image: MetadataImage, brokerId: number, b: number, c: number): MetadataRecord[] {
  const broker = image.cluster.broker(brokerId)
  if (broker === undefined) return []
  const fenced = (b % 3) - 1
  const logDirs = c === 0 ? [id('Directory', 50 + brokerId)] : []
  const data = { brokerId, brokerEpoch: broker.epoch, fenced, inControlledShutdown: c % 2, logDirs }
  return [{ type: 'BrokerRegistrationChangeRecord', data }]
}

function unregisterBroker(image: MetadataImage, brokerId: number): MetadataRecord[] {
  const broker = image.cluster.broker(brokerId)
  if (broker === undefined) return []
  return [{ type: 'UnregisterBrokerRecord', data: { brokerId, brokerEpoch: broker.epoch } }]
}

function createTopic(image: MetadataImage, a: number, index: number): MetadataRecord[] {
  const name = NAMES[a % NAMES.length] ?? ''
  if (image.topics.getTopic(name) !== undefined) return []
  const topicId = id('Topic', index)
  return [{ type: 'TopicRecord', data: { name, topicId } }, ...createPartition(topicId, 0, a)]
}

function createPartition(topicId: string, partitionId: number, c: number): MetadataRecord[] {
  const replicas = [c, c + 1, c + 2]
  return [
    {
      type: 'PartitionRecord',
      data: {
        partitionId,
        topicId,
        replicas,
        isr: replicas,
        removingReplicas: [],
        addingReplicas: [],
        leader: c,
        leaderRecoveryState: 0,
        leaderEpoch: 0,
        partitionEpoch: 0,
        directories: replicas.map(replica => id('Directory', replica)),
        eligibleLeaderReplicas: null,
        lastKnownElr: null,
      },
    },
  ]
}

function changePartition(
  topicId: string,
  partitionId: number,
  { replicas }: PartitionRegistration,
  kind: number,
  c: number,
): MetadataRecord[] {
  const isr = replicas.slice(0, c % 4)
  return [
    {
      type: 'PartitionChangeRecord',
      data: {
        partitionId,
        topicId,
        isr: kind % 3 === 0 ? null : isr,
        leader: c % 4 === 0 ? -2 : (isr[0] ?? -1),
        replicas: kind === 51 ? [...replicas, 90 + c] : null,
        removingReplicas: kind === 52 ? replicas.slice(1) : null,
        addingReplicas: kind === 53 ? [c] : null,
        leaderRecoveryState: (kind % 3) - 1,
        eligibleLeaderReplicas: kind % 4 === 0 ? replicas.slice(c % 4) : null,
        lastKnownElr: kind % 5 === 0 ? [c] : null,
        directories: kind === 51 ? [...replicas, 90 + c].map(replica => id('Directory', replica)) : null,
      },
    },
  ]
}

function config(image: MetadataImage, a: number, b: number, c: number): MetadataRecord[] {
  const topic = NAMES[a % NAMES.length] ?? ''
  const ofTopic = b % 2 === 0 && image.topics.getTopic(topic) !== undefined
  const [resourceType, resourceName] = ofTopic ? [2, topic] : [4, a < 4 ? '' : String(a)]
  const name = KEYS[b % KEYS.length] ?? ''
  return [{ type: 'ConfigRecord', data: { resourceType, resourceName, name, value: c === 0 ? null : String(c) } }]
}

/** A UUID that says what it is of. */
function id(of: string, index: number): string {
  return `${of}${String(index).padStart(21 - of.length, '0')}A`
}
