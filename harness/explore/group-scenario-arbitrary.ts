import fc from 'fast-check'
import type { GroupSpec } from '../trial/group-spec.ts'
import type { Fault, ProducerSpec, Scenario, Trigger } from '../trial/scenario.ts'
import { swarm } from './cluster-arbitrary.ts'
import type { ExploreOptions } from './explore-options.ts'
import { COORDINATOR_CONFIG, COORDINATOR_KNOBS, consumerGroupConfig, groupsArbitrary } from './group-arbitrary.ts'
import { promisedGuarantees } from './promised-guarantees.ts'

const MAX_NTH = 20
/** No group takes longer for all records than this: it must be done in bounded time. */
const LONGEST_WORK_MS = 60_000
/**
 * What is drawn of these for producers is too tight for coordinators, which keep whole groups in one record, and for their
 * members, which wait for records longer than such a broker lets a connection be idle.
 */
const TOO_TIGHT = ['message.max.bytes', 'max.connections', 'connections.max.idle.ms'] as const

/** What groups ask of their coordinators. */
export const groupTrigger: fc.Arbitrary<Trigger> = fc
  .record({
    request: fc.constantFrom('OffsetCommit', 'JoinGroup', 'SyncGroup', 'Heartbeat', 'LeaveGroup', 'OffsetFetch'),
    nth: fc.integer({ min: 1, max: MAX_NTH }),
  })
  .map(drawn => ({ ...drawn }))

/** Adds consumer groups to scenarios, and faults that wait for what groups ask of their coordinators. */
export function withGroups(scenarios: fc.Arbitrary<Scenario>, options: ExploreOptions): fc.Arbitrary<Scenario> {
  return fc
    .record({
      scenario: scenarios,
      groups: groupsArbitrary(options),
      config: swarm(COORDINATOR_KNOBS),
      triggers: fc.array(fc.option(groupTrigger, { nil: undefined, freq: 2 }), { minLength: 6, maxLength: 6 }),
    })
    .map(({ scenario, groups, config, triggers }) => {
      const { cluster, workload, ...rest } = scenario
      const isPlain = groups.some(({ client }) => client === 'kafkajs')
      const drawn = Object.entries(cluster.config).filter(setting => isFitting(setting, isPlain, options))
      const producers = isPlain ? workload.producers.map(withoutForeignCodec) : workload.producers
      const changed = {
        cluster: {
          ...cluster,
          config: { ...COORDINATOR_CONFIG, ...consumerGroupConfig(groups), ...config, ...Object.fromEntries(drawn) },
        },
        workload: { ...workload, producers, groups: groups.map(group => feasible(group, producers)) },
        faults: scenario.faults.map((fault, index) => triggered(fault, spoken(triggers[index], groups))),
      }
      return { ...rest, ...changed, format: 3, guarantees: promisedGuarantees(changed, options) }
    })
}

/** KafkaJS brings no codec but gzip: a consumer that meets another one gives up. */
function isFitting([key, value]: [string, string], isPlain: boolean, { set = {} }: ExploreOptions): boolean {
  if (set[key] !== undefined) return true
  const isForeign = key === 'compression.type' && !['producer', 'uncompressed', 'gzip'].includes(value)
  return !TOO_TIGHT.some(name => name === key) && !(isPlain && isForeign)
}

function withoutForeignCodec(producer: ProducerSpec): ProducerSpec {
  return producer.compression === 'gzip' ? producer : { ...producer, compression: 'none' }
}

/** Members of the consumer protocol join, live and leave by one request. */
function spoken(trigger: Trigger | undefined, groups: readonly GroupSpec[]): Trigger | undefined {
  const isModern = groups.every(({ protocol }) => protocol === 'consumer')
  if (trigger === undefined || !('request' in trigger) || !isModern) return trigger
  return trigger.request.startsWith('Offset') ? trigger : { ...trigger, request: 'ConsumerGroupHeartbeat' }
}

/** Faults that wait for a place on a disk go on waiting for it. */
function triggered(fault: Fault, trigger: Trigger | undefined): Fault {
  return trigger === undefined || 'disk' in fault.at ? fault : { ...fault, at: trigger }
}

/** The group with a handler that is done with all records in bounded time. */
export function feasible(group: GroupSpec, producers: readonly ProducerSpec[]): GroupSpec {
  const records = producers.flatMap(({ sends }) => sends).reduce((sum, send) => sum + send.records, 0)
  const longest = Math.floor(LONGEST_WORK_MS / Math.max(1, records))
  return group.handlerMs <= longest ? group : { ...group, handlerMs: longest }
}
