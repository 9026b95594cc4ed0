import { TopicsDelta } from '../../src/controller/image/topics-delta.ts'
import { TopicsImage } from '../../src/controller/image/topics-image.ts'
import { metadataRecordSerde } from '../../src/controller/metadata-record-serde.ts'
import type { MetadataRecord, RegisterBrokerRecord } from '../../src/controller/metadata-records.ts'
import { MetadataReplayError } from '../../src/controller/metadata-replay-error.ts'
import type { PartitionRegistration } from '../../src/controller/partition-registration.ts'
import type {
  FencedLeader,
  MetadataLogEvidence,
  ObservedEvent,
  PartitionChange,
  UncleanReturn,
} from '../checkers/cluster-evidence.ts'
import type { Cluster } from './cluster.ts'
import { batchesIn, segmentsIn } from './log-files.ts'
import { METADATA_LOG_DIRECTORY } from './node-layout.ts'

/** What the committed metadata says of the topic's partitions, one thing after the other. */
export interface PartitionHistory {
  readonly partitionHistory: readonly PartitionChange[]
  readonly fencedLeaders: readonly FencedLeader[]
  readonly uncleanReturns: readonly UncleanReturn[]
}

/**
 * What became of the topic's partitions, from the copy of the metadata log that goes furthest among those that reach back to the
 * beginning; only what is committed. Of nodes that are shut down.
 */
export function partitionHistory(
  { nodes, spec, observations }: Cluster,
  logs: readonly MetadataLogEvidence[],
): PartitionHistory {
  const committed = Math.max(0, ...logs.map(({ highWatermark }) => highWatermark ?? 0))
  const [longest] = logs
    .filter(({ startOffset, batches }) => startOffset === 0 && batches[0]?.baseOffset === 0)
    .sort((a, b) => b.endOffset - a.endOffset)
  const history = new History(spec.topic.name, uncleanBrokerEpochs(observations.events))
  const node = nodes.find(({ id }) => id === longest?.node)
  if (node === undefined) return history
  const { disk } = node.host
  for (const { path } of segmentsIn(disk, METADATA_LOG_DIRECTORY)) {
    for (const batch of batchesIn(disk.contents(path) ?? Buffer.alloc(0))) {
      if (batch.lastOffset >= committed) return history
      if (batch.isControl) continue
      for (const { offset, value } of batch.records()) {
        if (value !== null) history.replay(offset, metadataRecordSerde.read(value))
      }
      history.endBatch(batch.lastOffset)
    }
  }
  return history
}

/** `2/57`: the process that was registered as broker 2 in epoch 57 ended uncleanly. */
function uncleanBrokerEpochs(events: readonly ObservedEvent[]): ReadonlySet<string> {
  const epochs = new Set<string>()
  for (const event of events) {
    if (event.kind !== 'stopped' || event.uncleanBrokerEpoch === undefined) continue
    epochs.add(`${event.node}/${event.uncleanBrokerEpoch}`)
  }
  return epochs
}

/** Replays metadata and notes how the partitions of one topic change. */
class History implements PartitionHistory {
  readonly partitionHistory: PartitionChange[] = []
  readonly fencedLeaders: FencedLeader[] = []
  readonly uncleanReturns: UncleanReturn[] = []
  readonly #topicName: string
  readonly #uncleanEpochs: ReadonlySet<string>
  readonly #topics = new TopicsDelta(TopicsImage.EMPTY)
  readonly #latest = new Map<number, PartitionRegistration>()
  /** Brokers that may lead. */
  readonly #unfenced = new Set<number>()
  /** By broker id. */
  readonly #epochs = new Map<number, number>()
  /** Brokers that this batch registers anew after their process had ended uncleanly. */
  readonly #returning = new Set<number>()

  /** @param uncleanEpochs see `uncleanBrokerEpochs` */
  constructor(topicName: string, uncleanEpochs: ReadonlySet<string>) {
    this.#topicName = topicName
    this.#uncleanEpochs = uncleanEpochs
  }

  replay(offset: number, record: MetadataRecord): void {
    switch (record.type) {
      case 'TopicRecord':
      case 'PartitionRecord':
      case 'PartitionChangeRecord':
        this.#topics.replay(record)
        break
      case 'RemoveTopicRecord':
        this.#topics.replayRemoveTopic(record.data)
        break
      case 'ClearElrRecord':
        this.#clearElr(record.data)
        break
      case 'RegisterBrokerRecord':
        this.#register(record.data)
        this.#setFenced(record.data.brokerId, record.data.fenced)
        return
      case 'BrokerRegistrationChangeRecord':
        if (record.data.fenced !== 0) this.#setFenced(record.data.brokerId, record.data.fenced > 0)
        return
      case 'UnregisterBrokerRecord':
        this.#setFenced(record.data.brokerId, true)
        return
      default:
        return
    }
    for (const { name, partitionChanges } of this.#topics.changedTopics.values()) {
      if (name !== this.#topicName) continue
      for (const [partition, registration] of partitionChanges) this.#note(offset, partition, registration)
    }
  }

  /** What changes together stands in one batch: between its records the metadata need not make sense. */
  endBatch(offset: number): void {
    for (const [partition, { leader, isr, elr }] of this.#latest) {
      if (leader >= 0 && !this.#unfenced.has(leader)) this.fencedLeaders.push({ offset, partition, leader })
      for (const broker of this.#returning) {
        if (isr.includes(broker) || elr.includes(broker)) this.uncleanReturns.push({ offset, partition, broker })
      }
    }
    this.#returning.clear()
  }

  #register({ brokerId, brokerEpoch }: Pick<RegisterBrokerRecord, 'brokerId' | 'brokerEpoch'>): void {
    const before = this.#epochs.get(brokerId)
    this.#epochs.set(brokerId, brokerEpoch)
    const isNews = before !== undefined && before !== brokerEpoch
    if (isNews && this.#uncleanEpochs.has(`${brokerId}/${before}`)) this.#returning.add(brokerId)
  }

  #setFenced(broker: number, fenced: boolean): void {
    if (fenced) this.#unfenced.delete(broker)
    else this.#unfenced.add(broker)
  }

  /** The level of a feature may be set before there are topics to clear anything of. */
  #clearElr(data: Extract<MetadataRecord, { readonly type: 'ClearElrRecord' }>['data']): void {
    try {
      this.#topics.replayClearElr(data)
    } catch (error) {
      if (!(error instanceof MetadataReplayError)) throw error
    }
  }

  #note(offset: number, partition: number, registration: PartitionRegistration): void {
    if (this.#latest.get(partition) === registration) return
    this.#latest.set(partition, registration)
    const { leader, leaderEpoch, partitionEpoch, replicas, isr, elr } = registration
    const { lastKnownElr, leaderRecoveryState, addingReplicas, removingReplicas } = registration
    this.partitionHistory.push({
      offset,
      partition,
      leader,
      leaderEpoch,
      partitionEpoch,
      replicas,
      isr,
      eligible: elr,
      lastKnownLeader: lastKnownElr[0],
      recovering: leaderRecoveryState === 'RECOVERING',
      reassigning: addingReplicas.length + removingReplicas.length > 0,
    })
  }
}
