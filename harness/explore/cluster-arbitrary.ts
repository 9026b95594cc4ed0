import fc from 'fast-check'
import { topicConfigDef } from '../../src/log/topic-config.ts'
import type { ClusterSpec } from '../trial/scenario.ts'
import { BROKER_KNOBS, CLUSTER_KNOBS, MEMORY_KNOBS, TOPIC_KNOBS, timingOf } from './cluster-knobs.ts'
import { ELIGIBLE_LEADER_REPLICAS } from './durability.ts'
import type { ExploreOptions } from './explore-options.ts'

const MAX_CONNECTIONS = 'max.connections'
const MAX_IDLE = 'connections.max.idle.ms'
const LONGEST_IDLE_MS = 15_000

/** The topic of every generated scenario. */
export const TOPIC_NAME = 'records'
const MAX_PARTITIONS = 3

/** A subset of knobs is armed, most of them are then used; shrinking takes them away, back to Kafka's defaults. */
export function swarm(knobs: Readonly<Record<string, fc.Arbitrary<string>>>): fc.Arbitrary<Record<string, string>> {
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

type Shape = Pick<ClusterSpec, 'brokers' | 'controllers' | 'roles'> & { readonly replicationFactor: number }

/** What is drawn of a cluster's shape is fitted to what the options say and to itself. */
function shapeArbitrary(options: ExploreOptions): fc.Arbitrary<Shape> {
  return fc
    .record({
      brokers: fc.oneof(
        { withCrossShrink: true },
        { weight: 3, arbitrary: fc.constant(1) },
        { weight: 1, arbitrary: fc.constant(2) },
        { weight: 5, arbitrary: fc.constant(3) },
      ),
      single: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
      fewer: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 2 })),
      controllers: fc.constantFrom<(1 | 3)[]>(1, 3),
      separate: fc.oneof({ weight: 2, arbitrary: fc.constant(false) }, fc.constant(true)),
    })
    .map(drawn => {
      const brokers = Math.max(options.brokers ?? drawn.brokers, options.replicationFactor ?? 1)
      return {
        brokers,
        controllers: options.controllers ?? (brokers === 1 && drawn.single ? 1 : drawn.controllers),
        roles: options.roles ?? (drawn.separate && !(brokers === 1 && drawn.single) ? 'separate' : 'combined'),
        replicationFactor: options.replicationFactor ?? Math.max(1, brokers - drawn.fewer),
      }
    })
}

/** How many copies a topic must have, and who may lead without being in sync. */
function durabilityArbitrary(): fc.Arbitrary<{ minIsr: number; unclean: boolean; elr: number | undefined }> {
  return fc.record({
    minIsr: fc.oneof(
      { weight: 2, arbitrary: fc.constant(1) },
      { weight: 4, arbitrary: fc.constant(2) },
      { weight: 1, arbitrary: fc.constant(3) },
    ),
    unclean: fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, fc.constant(true)),
    elr: fc.constantFrom(undefined, 0, 1),
  })
}

/**
 * Brokers speak to each other over connections that count as well, and those of a machine that lost its power stay open until they
 * are idle for too long. Where there may be few, that has to come before a broker gives up registering
 * (`initial.broker.registration.timeout.ms`, 60 s), as it would in Kafka.
 */
function withPatience(config: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  if (config[MAX_CONNECTIONS] === undefined) return config
  const idleMs = Math.min(Number(config[MAX_IDLE] ?? Number.POSITIVE_INFINITY), LONGEST_IDLE_MS)
  return { ...config, [MAX_IDLE]: `${idleMs}` }
}

export function clusterArbitrary(options: ExploreOptions): fc.Arbitrary<ClusterSpec> {
  const { set = {}, features = {} } = options
  const given = Object.entries(set)
  const brokerConfig = Object.fromEntries(given.filter(([key]) => !isTopicOnlyKey(key)))
  const topicConfig = Object.fromEntries(given.filter(([key]) => isTopicOnlyKey(key)))
  const setsMemory = Object.keys(MEMORY_KNOBS).some(key => set[key] !== undefined)
  return fc
    .record({
      shape: shapeArbitrary(options),
      durability: durabilityArbitrary(),
      timing: fc.oneof({ weight: 1, arbitrary: fc.constant({}) }, { weight: 4, arbitrary: timingOf() }),
      config: swarm(BROKER_KNOBS),
      clusterConfig: swarm(CLUSTER_KNOBS),
      memory: fc.option(fc.record(MEMORY_KNOBS), { nil: {} }),
      topicConfig: swarm(TOPIC_KNOBS),
      partitions: fc.integer({ min: 1, max: MAX_PARTITIONS }),
    })
    .map(({ shape: { replicationFactor, ...shape }, durability: { minIsr, unclean, elr }, ...drawn }) => {
      const replicated = replicationFactor > 1
      const several = shape.brokers + shape.controllers > 2
      const levels = { ...(replicated && elr !== undefined ? { [ELIGIBLE_LEADER_REPLICAS]: elr } : {}), ...features }
      const guarded = {
        ...(replicated && minIsr > 1 ? { 'min.insync.replicas': `${Math.min(minIsr, replicationFactor)}` } : {}),
        ...(replicated && unclean ? { 'unclean.leader.election.enable': 'true' } : {}),
      }
      const levelsOnTopic = Object.fromEntries(Object.entries(guarded).filter(([key]) => set[key] === undefined))
      return {
        ...shape,
        config: {
          ...(several ? { ...drawn.timing, ...drawn.clusterConfig } : {}),
          ...(several ? withPatience(drawn.config) : drawn.config),
          ...(setsMemory ? {} : drawn.memory),
          ...brokerConfig,
        },
        ...(Object.keys(levels).length === 0 ? {} : { features: levels }),
        topic: {
          name: TOPIC_NAME,
          partitions: drawn.partitions,
          replicationFactor,
          config: { ...drawn.topicConfig, ...levelsOnTopic, ...topicConfig },
        },
      }
    })
}
