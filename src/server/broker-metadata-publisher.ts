import type { MetadataDelta } from '../controller/image/metadata-delta.ts'
import type { MetadataImage } from '../controller/image/metadata-image.ts'
import type { MetadataPublisher } from '../controller/image/metadata-publisher.ts'
import { TopicsDelta } from '../controller/image/topics-delta.ts'
import { GROUP_METADATA_TOPIC, type GroupCoordinatorService } from '../coordinator/group/group-coordinator-service.ts'
import type { LogManager } from '../log/log-manager.ts'
import type { ReplicaManager } from '../replication/replica-manager.ts'
import type { KafkaConfig } from './config/kafka-config.ts'
import { updateCoordinator } from './coordinator-changes.ts'
import { topicConfigOf } from './topic-config-repository.ts'

/**
 * Makes a broker do what changed metadata asks of it (Kafka's BrokerMetadataPublisher). The first update also opens the
 * logs: only then is it known which partitions are this broker's, and with what configuration.
 */
export class BrokerMetadataPublisher implements MetadataPublisher {
  readonly name = 'BrokerMetadataPublisher'
  readonly #config: KafkaConfig
  readonly #logManager: LogManager
  readonly #replicaManager: ReplicaManager
  readonly #groupCoordinator: GroupCoordinatorService
  #firstPublish = true
  #update: Promise<void> | undefined

  constructor(
    config: KafkaConfig,
    logManager: LogManager,
    replicaManager: ReplicaManager,
    groupCoordinator: GroupCoordinatorService,
  ) {
    this.#config = config
    this.#logManager = logManager
    this.#replicaManager = replicaManager
    this.#groupCoordinator = groupCoordinator
  }

  /** Whether logs and replicas are as the metadata had them once: before, nothing is known of them. */
  get hasPublished(): boolean {
    return !this.#firstPublish
  }

  /** Resolves when no update is under way. */
  async idle(): Promise<void> {
    await this.#update?.catch(() => undefined) // the loader's caller hears of its error
  }

  onMetadataUpdate(delta: MetadataDelta, newImage: MetadataImage): Promise<void> {
    this.#update = this.#publish(delta, newImage)
    return this.#update
  }

  async #publish(delta: MetadataDelta, newImage: MetadataImage): Promise<void> {
    if (this.#firstPublish) {
      await this.#logManager.startup()
      this.#replicaManager.startup()
      const partitions = newImage.topics.getTopic(GROUP_METADATA_TOPIC)?.partitions.size
      this.#groupCoordinator.startup(partitions ?? this.#config.getNumber('offsets.topic.num.partitions'))
    }
    await this.#updateTopicConfigs(delta, newImage)
    if (this.#firstPublish || delta.topicsDelta !== undefined) {
      await this.#replicaManager.applyDelta(delta.topicsDelta ?? new TopicsDelta(delta.image.topics), newImage)
    }
    if (delta.topicsDelta !== undefined) await this.#updateGroupCoordinator(delta.topicsDelta, newImage)
    this.#groupCoordinator.onNewMetadataImage(newImage, delta)
    this.#firstPublish = false
  }

  async #updateGroupCoordinator(delta: TopicsDelta, newImage: MetadataImage): Promise<void> {
    const coordinator = this.#groupCoordinator
    updateCoordinator(GROUP_METADATA_TOPIC, this.#config.nodeId, delta, newImage, coordinator)
    const deleted = [...delta.deletedTopicIds].flatMap(id => {
      const topic = delta.image.getTopicById(id)
      return [...(topic?.partitions.keys() ?? [])].map(partition => ({ topic: topic?.name ?? '', partition }))
    })
    if (deleted.length > 0) await coordinator.onPartitionsDeleted(deleted)
  }

  async #updateTopicConfigs(delta: MetadataDelta, image: MetadataImage): Promise<void> {
    const topics = new Set<string>()
    for (const { resource } of delta.configsDelta?.changedResources.values() ?? []) {
      if (resource.type === 'TOPIC') topics.add(resource.name)
      // A broker's configuration is the default of all its topics.
      else if (resource.type === 'BROKER') for (const topic of image.topics.topicsByName.keys()) topics.add(topic)
    }
    for (const topic of topics) {
      await this.#logManager.updateTopicConfig(topic, topicConfigOf(this.#config, image, topic))
    }
  }
}
