/** The public face of Kafka's clients: producer, consumer, admin, and what they share. */
export type { ConfigValue, ConfigValues } from './abstract-config.ts'
export type { AdminResult } from './admin/admin-result.ts'
export type { ClusterDescription, QuorumInfo } from './admin/cluster-operations.ts'
export type { AlterConfigOp, ConfigEntry, ConfigResource } from './admin/config-operations.ts'
export type { ConsumerGroupDescription, MemberDescription } from './admin/describe-groups.ts'
export type { CommittedOffset, GroupListing, MemberToRemove } from './admin/group-operations.ts'
export { KafkaAdminClient, type KafkaAdminClientOptions } from './admin/kafka-admin-client.ts'
export type { OffsetListing, OffsetSpec, PartitionReassignment } from './admin/partition-operations.ts'
export type { NewPartitions, NewTopic, TopicDescription, TopicListing } from './admin/topic-operations.ts'
export type { KafkaMetric } from './client-metrics.ts'
export { CooperativeStickyAssignor } from './consumer/assignors/cooperative-sticky-assignor.ts'
export { RangeAssignor } from './consumer/assignors/range-assignor.ts'
export { RoundRobinAssignor } from './consumer/assignors/round-robin-assignor.ts'
export { StickyAssignor } from './consumer/assignors/sticky-assignor.ts'
export { CONSUMER_CONFIG_DEFS } from './consumer/consumer-config.ts'
export {
  CommitFailedException,
  ConcurrentModificationException,
  FencedInstanceIdException,
  GroupMaxSizeReachedException,
  InvalidGroupIdException,
  InvalidOffsetException,
  LogTruncationException,
  NoOffsetForPartitionException,
  OffsetOutOfRangeException,
  RebalanceInProgressException,
  RecordDeserializationException,
  RetriableCommitFailedException,
} from './consumer/consumer-errors.ts'
export type { ConsumerGroupMetadata } from './consumer/consumer-group-metadata.ts'
export type { ConsumerInterceptor } from './consumer/consumer-interceptor.ts'
export type {
  AssignableCluster,
  AssignablePartition,
  Assignment,
  ConsumerPartitionAssignor,
  RebalanceProtocol,
  Subscription,
} from './consumer/consumer-partition-assignor.ts'
export type { ConsumerRebalanceListener } from './consumer/consumer-rebalance-listener.ts'
export { type ConsumerRecord, ConsumerRecords } from './consumer/consumer-record.ts'
export type { GroupMembershipOperation } from './consumer/group-membership.ts'
export { type CloseOptions, KafkaConsumer, type KafkaConsumerOptions } from './consumer/kafka-consumer.ts'
export type { OffsetAndMetadata, OffsetAndTimestamp } from './consumer/offset-and-metadata.ts'
export type { OffsetCommitCallback } from './consumer/offset-committer.ts'
export { SubscriptionPattern } from './consumer/subscription-pattern.ts'
export * from './errors.ts'
export type { Interceptor } from './interceptors.ts'
export type { MetadataSnapshot, PartitionInfo } from './metadata-snapshot.ts'
export type { Node } from './node.ts'
export { KafkaProducer, type ProducerOptions } from './producer/kafka-producer.ts'
export { PRODUCER_CONFIG_DEFS } from './producer/producer-config.ts'
export type {
  Callback,
  Partitioner,
  ProducerInterceptor,
  ProducerRecord,
  RecordMetadata,
} from './producer/producer-record.ts'
export { RoundRobinPartitioner } from './producer/round-robin-partitioner.ts'
export {
  bytesSerde,
  type Deserializer,
  doubleSerde,
  type Headers,
  int32Serde,
  int64Serde,
  type Serde,
  type Serializer,
  stringSerde,
  uuidSerde,
} from './serialization.ts'
export { TopicPartitionMap } from './topic-partition-map.ts'
