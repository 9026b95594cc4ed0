import {
  array,
  bool,
  int8,
  int16,
  int32,
  int64,
  type Message,
  message,
  string,
  uint16,
  uuid,
} from '../protocol/schema.ts'

/*
 * The records of the metadata log, with Kafka's numbers and fields (metadata.version 29, 4.2-IV1). All versions are
 * flexible. Each schema's key and versions stand in `METADATA_RECORD_TYPES`.
 */

/** A broker process has registered. */
export const RegisterBrokerRecord = message({
  brokerId: int32(),
  isMigratingZkBroker: bool({ since: 2 }),
  incarnationId: uuid(),
  brokerEpoch: int64(),
  endPoints: array({ name: string(), host: string(), port: uint16(), securityProtocol: int16() }),
  features: array({ name: string(), minSupportedVersion: int16(), maxSupportedVersion: int16() }),
  rack: string({ nullable: true }),
  fenced: bool({ default: true }),
  inControlledShutdown: bool({ since: 1 }),
  logDirs: array(uuid(), { since: 3, tag: 0 }),
})
export type RegisterBrokerRecord = Message<typeof RegisterBrokerRecord>

/** A broker is no longer part of the cluster. */
export const UnregisterBrokerRecord = message({ brokerId: int32(), brokerEpoch: int64() })
export type UnregisterBrokerRecord = Message<typeof UnregisterBrokerRecord>

/** A topic begins; its configuration and its partitions follow. */
export const TopicRecord = message({ name: string(), topicId: uuid() })
export type TopicRecord = Message<typeof TopicRecord>

/** A partition begins, or is stated anew with all its fields. */
export const PartitionRecord = message({
  partitionId: int32({ default: -1 }),
  topicId: uuid(),
  replicas: array(int32()),
  isr: array(int32()),
  removingReplicas: array(int32()),
  addingReplicas: array(int32()),
  leader: int32({ default: -1 }),
  leaderRecoveryState: int8({ tag: 0 }),
  leaderEpoch: int32({ default: -1 }),
  partitionEpoch: int32({ default: -1 }),
  directories: array(uuid(), { since: 1 }),
  eligibleLeaderReplicas: array(int32(), { since: 2, tag: 1, nullable: true, default: null }),
  lastKnownElr: array(int32(), { since: 2, tag: 2, nullable: true, default: null }),
})
export type PartitionRecord = Message<typeof PartitionRecord>

/** A configuration value was set, or with null, removed. */
export const ConfigRecord = message({
  resourceType: int8(),
  resourceName: string(),
  name: string(),
  value: string({ nullable: true }),
})
export type ConfigRecord = Message<typeof ConfigRecord>

/** Some fields of a partition have changed: null, -1 (recovery state) and -2 (leader) say "as before". */
export const PartitionChangeRecord = message({
  partitionId: int32({ default: -1 }),
  topicId: uuid(),
  isr: array(int32(), { tag: 0, nullable: true, default: null }),
  leader: int32({ tag: 1, default: -2 }),
  replicas: array(int32(), { tag: 2, nullable: true, default: null }),
  removingReplicas: array(int32(), { tag: 3, nullable: true, default: null }),
  addingReplicas: array(int32(), { tag: 4, nullable: true, default: null }),
  leaderRecoveryState: int8({ tag: 5, default: -1 }),
  eligibleLeaderReplicas: array(int32(), { since: 2, tag: 6, nullable: true, default: null }),
  lastKnownElr: array(int32(), { since: 2, tag: 7, nullable: true, default: null }),
  directories: array(uuid(), { since: 1, tag: 8, nullable: true, default: null }),
})
export type PartitionChangeRecord = Message<typeof PartitionChangeRecord>

/** A topic, its partitions and its configuration are gone. */
export const RemoveTopicRecord = message({ topicId: uuid() })
export type RemoveTopicRecord = Message<typeof RemoveTopicRecord>

/** A feature was finalized at a level; 0 means that it is off. */
export const FeatureLevelRecord = message({ name: string(), featureLevel: int16() })
export type FeatureLevelRecord = Message<typeof FeatureLevelRecord>

/** A block of producer ids was given out; `nextProducerId` begins the next one. */
export const ProducerIdsRecord = message({
  brokerId: int32(),
  brokerEpoch: int64({ default: -1 }),
  nextProducerId: int64(),
})
export type ProducerIdsRecord = Message<typeof ProducerIdsRecord>

/** A broker was fenced (1) or unfenced (-1), began its controlled shutdown (1), or has other log directories. 0: as before. */
export const BrokerRegistrationChangeRecord = message({
  brokerId: int32(),
  brokerEpoch: int64(),
  fenced: int8({ tag: 0 }),
  inControlledShutdown: int8({ since: 1, tag: 1 }),
  logDirs: array(uuid(), { since: 2, tag: 2 }),
})
export type BrokerRegistrationChangeRecord = Message<typeof BrokerRegistrationChangeRecord>

/** Says nothing; it lets the high watermark move on an idle quorum. */
export const NoOpRecord = message({})
export type NoOpRecord = Message<typeof NoOpRecord>

/** The eligible leader replicas of a topic, or with an empty name of all topics, are eligible no longer. */
export const ClearElrRecord = message({ topicName: string() })
export type ClearElrRecord = Message<typeof ClearElrRecord>

/** Key, highest version (all begin at 0) and schema of each record, by name. */
export const METADATA_RECORD_TYPES = {
  RegisterBrokerRecord: { key: 0, maxVersion: 3, schema: RegisterBrokerRecord },
  UnregisterBrokerRecord: { key: 1, maxVersion: 0, schema: UnregisterBrokerRecord },
  TopicRecord: { key: 2, maxVersion: 0, schema: TopicRecord },
  PartitionRecord: { key: 3, maxVersion: 2, schema: PartitionRecord },
  ConfigRecord: { key: 4, maxVersion: 0, schema: ConfigRecord },
  PartitionChangeRecord: { key: 5, maxVersion: 2, schema: PartitionChangeRecord },
  RemoveTopicRecord: { key: 9, maxVersion: 0, schema: RemoveTopicRecord },
  FeatureLevelRecord: { key: 12, maxVersion: 0, schema: FeatureLevelRecord },
  ProducerIdsRecord: { key: 15, maxVersion: 0, schema: ProducerIdsRecord },
  BrokerRegistrationChangeRecord: { key: 17, maxVersion: 2, schema: BrokerRegistrationChangeRecord },
  NoOpRecord: { key: 20, maxVersion: 0, schema: NoOpRecord },
  ClearElrRecord: { key: 28, maxVersion: 0, schema: ClearElrRecord },
} as const

/** One record of the metadata log: `type` names its kind, `data` holds its fields. */
export type MetadataRecord =
  | { readonly type: 'RegisterBrokerRecord'; readonly data: RegisterBrokerRecord }
  | { readonly type: 'UnregisterBrokerRecord'; readonly data: UnregisterBrokerRecord }
  | { readonly type: 'TopicRecord'; readonly data: TopicRecord }
  | { readonly type: 'PartitionRecord'; readonly data: PartitionRecord }
  | { readonly type: 'ConfigRecord'; readonly data: ConfigRecord }
  | { readonly type: 'PartitionChangeRecord'; readonly data: PartitionChangeRecord }
  | { readonly type: 'RemoveTopicRecord'; readonly data: RemoveTopicRecord }
  | { readonly type: 'FeatureLevelRecord'; readonly data: FeatureLevelRecord }
  | { readonly type: 'ProducerIdsRecord'; readonly data: ProducerIdsRecord }
  | { readonly type: 'BrokerRegistrationChangeRecord'; readonly data: BrokerRegistrationChangeRecord }
  | { readonly type: 'NoOpRecord'; readonly data: NoOpRecord }
  | { readonly type: 'ClearElrRecord'; readonly data: ClearElrRecord }
