import type { BrokerRegistration } from '../broker-registration.ts'
import { type ConfigResource, configResourceType, configResourceTypeId } from '../config-resource.ts'
import type { MetadataRecord } from '../metadata-records.ts'
import { leaderRecoveryStateToByte, type PartitionRegistration } from '../partition-registration.ts'
import type { ClusterImage } from './cluster-image.ts'
import type { ConfigurationsImage } from './configurations-image.ts'
import type { FeaturesImage } from './features-image.ts'
import { MetadataImage } from './metadata-image.ts'
import type { ProducerIdsImage } from './producer-ids-image.ts'
import type { TopicImage, TopicsImage } from './topics-image.ts'

/** The records of which an image is made, in Kafka's order: what a snapshot of it consists of. */
export function imageRecords(image: MetadataImage): MetadataRecord[] {
  return recordsBetween(MetadataImage.EMPTY, image)
}

/** The records that make one image of another. */
export function recordsBetween(from: MetadataImage, to: MetadataImage): MetadataRecord[] {
  const records: MetadataRecord[] = []
  addFeatures(records, from.features, to.features)
  addCluster(records, from.cluster, to.cluster)
  const removedTopics = addTopics(records, from.topics, to.topics)
  addConfigs(records, from.configs, to.configs, removedTopics)
  addProducerIds(records, from.producerIds, to.producerIds)
  return records
}

function addFeatures(records: MetadataRecord[], from: FeaturesImage, to: FeaturesImage): void {
  if (from === to) return
  const add = (name: string, featureLevel: number): void => {
    records.push({ type: 'FeatureLevelRecord', data: { name, featureLevel } })
  }
  for (const name of from.finalizedVersions.keys()) if (to.level(name) === 0) add(name, 0)
  for (const [name, level] of to.finalizedVersions) if (from.level(name) !== level) add(name, level)
}

function addCluster(records: MetadataRecord[], from: ClusterImage, to: ClusterImage): void {
  if (from === to) return
  for (const { id: brokerId, epoch: brokerEpoch } of from.brokers.values()) {
    if (to.broker(brokerId) !== undefined) continue
    records.push({ type: 'UnregisterBrokerRecord', data: { brokerId, brokerEpoch } })
  }
  for (const broker of to.brokers.values()) {
    const present = from.broker(broker.id)
    if (present === broker) continue
    const record = registerBrokerRecord(broker)
    if (present === undefined || !same(registerBrokerRecord(present), record)) records.push(record)
  }
}

/** Gives the names of the topics that were removed, with all that was set on them. */
function addTopics(records: MetadataRecord[], from: TopicsImage, to: TopicsImage): ReadonlySet<string> {
  const removed = new Set<string>()
  if (from === to) return removed
  for (const { id, name, partitions } of from.topicsById.values()) {
    // Partitions never go but with their topic.
    const successor = to.getTopicById(id)
    const stays = successor !== undefined && [...partitions.keys()].every(number => successor.partitions.has(number))
    if (stays) continue
    records.push({ type: 'RemoveTopicRecord', data: { topicId: id } })
    removed.add(name)
  }
  for (const topic of to.topicsById.values()) {
    const present = removed.has(topic.name) ? undefined : from.getTopicById(topic.id)
    if (present !== topic) addTopic(records, present, topic)
  }
  return removed
}

function addTopic(records: MetadataRecord[], from: TopicImage | undefined, { id, name, partitions }: TopicImage): void {
  if (from === undefined) records.push({ type: 'TopicRecord', data: { name, topicId: id } })
  for (const [partitionId, partition] of partitions) {
    const present = from?.partitions.get(partitionId)
    if (present === partition) continue
    const record = partitionRecord(id, partitionId, partition)
    if (present === undefined || !same(partitionRecord(id, partitionId, present), record)) records.push(record)
  }
}

function addConfigs(
  records: MetadataRecord[],
  from: ConfigurationsImage,
  to: ConfigurationsImage,
  removedTopics: ReadonlySet<string>,
): void {
  if (from === to && removedTopics.size === 0) return
  for (const key of new Set([...from.resources.keys(), ...to.resources.keys()])) {
    const resource = resourceOf(key)
    const gone = resource.type === 'TOPIC' && removedTopics.has(resource.name)
    const before = gone ? undefined : from.resources.get(key)
    const after = to.resources.get(key)
    const add = (name: string, value: string | null): void => {
      const resourceType = configResourceTypeId(resource.type)
      records.push({ type: 'ConfigRecord', data: { resourceType, resourceName: resource.name, name, value } })
    }
    for (const name of before?.keys() ?? []) if (after?.has(name) !== true) add(name, null)
    for (const [name, value] of after ?? []) if (before?.get(name) !== value) add(name, value)
  }
}

function addProducerIds(records: MetadataRecord[], from: ProducerIdsImage, to: ProducerIdsImage): void {
  const { nextProducerId } = to
  if (nextProducerId === from.nextProducerId) return
  records.push({ type: 'ProducerIdsRecord', data: { brokerId: -1, brokerEpoch: -1, nextProducerId } })
}

function registerBrokerRecord(broker: BrokerRegistration): MetadataRecord {
  return {
    type: 'RegisterBrokerRecord',
    data: {
      brokerId: broker.id,
      isMigratingZkBroker: false,
      incarnationId: broker.incarnationId,
      brokerEpoch: broker.epoch,
      endPoints: [...broker.listeners.values()],
      features: [...broker.supportedFeatures].map(([name, { min, max }]) => ({
        name,
        minSupportedVersion: min,
        maxSupportedVersion: max,
      })),
      rack: broker.rack,
      fenced: broker.fenced,
      inControlledShutdown: broker.inControlledShutdown,
      logDirs: broker.directories,
    },
  }
}

function partitionRecord(topicId: string, partitionId: number, partition: PartitionRegistration): MetadataRecord {
  return {
    type: 'PartitionRecord',
    data: {
      partitionId,
      topicId,
      replicas: partition.replicas,
      isr: partition.isr,
      removingReplicas: partition.removingReplicas,
      addingReplicas: partition.addingReplicas,
      leader: partition.leader,
      leaderRecoveryState: leaderRecoveryStateToByte(partition.leaderRecoveryState),
      leaderEpoch: partition.leaderEpoch,
      partitionEpoch: partition.partitionEpoch,
      directories: partition.directories,
      eligibleLeaderReplicas: partition.elr.length === 0 ? null : partition.elr,
      lastKnownElr: partition.lastKnownElr.length === 0 ? null : partition.lastKnownElr,
    },
  }
}

/** The inverse of `resourceKey`. */
function resourceOf(key: string): ConfigResource {
  const colon = key.indexOf(':')
  const type = key.slice(0, colon) as ConfigResource['type']
  return { type: configResourceType(configResourceTypeId(type)), name: key.slice(colon + 1) }
}

/** Records are plain data, and both are made the same way. */
function same(a: MetadataRecord, b: MetadataRecord): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
