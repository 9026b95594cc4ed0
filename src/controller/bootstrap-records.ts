import { configRecord } from './configuration-control-manager.ts'
import { ELIGIBLE_LEADER_REPLICAS_FEATURE } from './feature-control-manager.ts'
import { type KafkaConfigSchema, MIN_IN_SYNC_REPLICAS } from './kafka-config-schema.ts'
import type { MetadataRecord } from './metadata-records.ts'

/**
 * The first records of a new metadata log (Kafka's ActivationRecordsGenerator): its features and, with eligible leader
 * replicas, the `min.insync.replicas` of all brokers, on which all must agree (KIP-966). From then on what a
 * `server.properties` says of it has no effect.
 */
export function bootstrapRecords(features: ReadonlyMap<string, number>, schema: KafkaConfigSchema): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const [name, featureLevel] of features)
    records.push({ type: 'FeatureLevelRecord', data: { name, featureLevel } })
  if ((features.get(ELIGIBLE_LEADER_REPLICAS_FEATURE) ?? 0) > 0) {
    const value = schema.defaultValue('TOPIC', MIN_IN_SYNC_REPLICAS)
    records.push(configRecord({ type: 'BROKER', name: '' }, MIN_IN_SYNC_REPLICAS, value))
  }
  return records
}
