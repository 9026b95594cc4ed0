/** The public face of Kafka's clients: producer, and what it shares with the others. */
export type { ConfigValue, ConfigValues } from './abstract-config.ts'
export type { KafkaMetric } from './client-metrics.ts'
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
