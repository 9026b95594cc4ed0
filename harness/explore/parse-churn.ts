import { CHURN_KINDS, type ChurnOperation } from '../trial/churn-spec.ts'
import { MAX_BROKERS } from '../trial/scenario.ts'
import type { JsonValue } from './json-reader.ts'

/** Operations in a scenario. */
export const MAX_CHURN = 1000
const DAY_MS = 86_400_000
const MAX_TOPIC = 99
const MAX_PARTITIONS = 100
const MAX_RECORDS = 1000
const MAX_TEXT = 200

const PLACE_KEYS = ['kind', 'atMs', 'topic']

/** One operation of an administrator, with the keys of its kind and no others. */
export function readChurn(operation: JsonValue): ChurnOperation {
  const kind = operation.get('kind').oneOf(CHURN_KINDS)
  const place = {
    atMs: operation.get('atMs').whole(0, DAY_MS),
    topic: operation.get('topic').whole(0, MAX_TOPIC),
  }
  const own = (...keys: readonly string[]): JsonValue => operation.only(...PLACE_KEYS, ...keys)
  const partition = (): number => operation.get('partition').whole(0, MAX_PARTITIONS - 1)
  switch (kind) {
    case 'create': {
      own('partitions', 'replicationFactor')
      const partitions = operation.get('partitions').whole(1, MAX_PARTITIONS)
      return { kind, ...place, partitions, replicationFactor: operation.get('replicationFactor').whole(1, MAX_BROKERS) }
    }
    case 'expand':
      own('partitions')
      return { kind, ...place, partitions: operation.get('partitions').whole(1, MAX_PARTITIONS) }
    case 'delete':
      own()
      return { kind, ...place }
    case 'reassign': {
      own('partition', 'replicas')
      const replicas = operation.get('replicas').list(1, MAX_BROKERS, replica => replica.whole(0, MAX_BROKERS - 1))
      return { kind, ...place, partition: partition(), replicas }
    }
    case 'configure': {
      own('key', 'value')
      const key = operation.get('key').text(MAX_TEXT)
      return { kind, ...place, key, value: operation.get('value').text(MAX_TEXT) }
    }
    case 'delete-records':
      own('partition', 'offset')
      return {
        kind,
        ...place,
        partition: partition(),
        offset: operation.get('offset').whole(-1, Number.MAX_SAFE_INTEGER),
      }
    case 'write':
      own('partition', 'records')
      return { kind, ...place, partition: partition(), records: operation.get('records').whole(1, MAX_RECORDS) }
  }
}
