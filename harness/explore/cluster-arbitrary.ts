import fc from 'fast-check'
import { topicConfigDef } from '../../src/log/topic-config.ts'
import type { ClusterSpec } from '../trial/scenario.ts'
import type { ExploreOptions } from './explore-options.ts'

const TOPIC_NAME = 'records'
const MAX_PARTITIONS = 3

function number(min: number, max: number): fc.Arbitrary<string> {
  return fc.integer({ min, max }).map(String)
}

/** Half of the values small, where queues and buffers fill. */
function skewed(min: number, small: number, max: number): fc.Arbitrary<string> {
  return fc.oneof(number(min, small), number(min, max))
}

/** Settings of `server.properties` that change what happens on a request's way, with values that make it happen. */
const BROKER_KNOBS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  'queued.max.requests': skewed(1, 8, 500),
  'num.io.threads': number(1, 8),
  'num.network.threads': number(1, 6),
  'log.flush.interval.messages': number(1, 50),
  'log.flush.interval.ms': number(1, 5000),
  'log.flush.scheduler.interval.ms': number(100, 5000),
  'socket.send.buffer.bytes': skewed(1024, 4096, 102_400),
  'socket.receive.buffer.bytes': skewed(1024, 4096, 102_400),
  'message.max.bytes': number(300, 4000),
  'connections.max.idle.ms': number(1000, 60_000),
  'log.index.interval.bytes': number(0, 4096),
  'log.message.timestamp.type': fc.constantFrom('CreateTime', 'LogAppendTime'),
  'compression.type': fc.constantFrom('producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'),
}

/** `segment.bytes` cannot be small enough for a short trial (at least 1 MiB since Kafka 4.2); its internal twin can. */
const TOPIC_KNOBS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  'internal.segment.bytes': number(1024, 16_384),
}

/** A subset of knobs is armed, most of them are then used; shrinking takes them away, back to Kafka's defaults. */
function swarm(knobs: Readonly<Record<string, fc.Arbitrary<string>>>): fc.Arbitrary<Record<string, string>> {
  return fc
    .noShrink(fc.subarray(Object.entries(knobs)))
    .chain(armed => fc.record(Object.fromEntries(armed), { requiredKeys: [] }))
    .map(config => ({ ...config }) as Record<string, string>)
}

/** Where a key that a user sets belongs. Keys that exist on both levels go to the broker, as its default for topics. */
export function isTopicOnlyKey(key: string): boolean {
  const def = topicConfigDef(key)
  return def !== undefined && !def.brokerKeys.some(broker => broker.key === key)
}

export function clusterArbitrary({ set = {} }: ExploreOptions): fc.Arbitrary<ClusterSpec> {
  const given = Object.entries(set)
  const brokerConfig = Object.fromEntries(given.filter(([key]) => !isTopicOnlyKey(key)))
  const topicConfig = Object.fromEntries(given.filter(([key]) => isTopicOnlyKey(key)))
  return fc
    .record({
      config: swarm(BROKER_KNOBS),
      topicConfig: swarm(TOPIC_KNOBS),
      partitions: fc.integer({ min: 1, max: MAX_PARTITIONS }),
    })
    .map(drawn => ({
      brokers: 1,
      config: { ...drawn.config, ...brokerConfig },
      topic: { name: TOPIC_NAME, partitions: drawn.partitions, config: { ...drawn.topicConfig, ...topicConfig } },
    }))
}
