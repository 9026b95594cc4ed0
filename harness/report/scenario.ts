import { describeChurn } from '../trial/churn-spec.ts'
import { type GroupSpec, groupIdOf, type MemberSpec } from '../trial/group-spec.ts'
import type { ClusterSpec, Fault, ProducerSpec, Scenario, Trigger } from '../trial/scenario.ts'
import { counted } from './format.ts'
import type { Row } from './table.ts'

/** Kafka's "as often as needed": what clients take for unlimited retries. */
const UNLIMITED = Number.MAX_SAFE_INTEGER

/** What a trial was given, in words. */
export function scenarioRows({ cluster, workload, faults, schedule }: Scenario): Row[] {
  return [
    ['cluster', `${describeCluster(cluster)}, ${schedule} schedule`],
    ...workload.producers.map((producer, index): Row => [`producer-${index}`, describeProducer(producer)]),
    ...(workload.groups ?? []).map((group, index): Row => [groupIdOf(index), describeGroup(group)]),
    ...(workload.churn ?? []).map(
      (operation): Row => ['admin', `${describeChurn(operation)}, from ${operation.atMs} ms`],
    ),
    ...faults.map((fault): Row => ['fault', describeFault(fault)]),
  ]
}

function describeCluster({ brokers, controllers, roles, config, features = {}, topic }: ClusterSpec): string {
  const levels = Object.entries(features).map(([name, level]) => `${name}=${level}`)
  const settings = [...Object.entries(config), ...Object.entries(topic.config)].map(([key, value]) => `${key}=${value}`)
  const alone = brokers === 1 && controllers === 1 && roles === 'combined'
  const quorum =
    roles === 'combined' ? `${counted(controllers, 'controller')} among them` : counted(controllers, 'controller')
  const parts = [
    counted(brokers, 'broker'),
    ...(alone ? [] : [quorum]),
    counted(topic.partitions, 'partition'),
    ...(brokers === 1 ? [] : [`replication factor ${topic.replicationFactor}`]),
    settings.length + levels.length === 0 ? "Kafka's defaults" : [...settings, ...levels].join(' '),
  ]
  return parts.join(', ')
}

/** What happens in it: `2 faults`, `1 fault and 1 redeploy`, `1 redeploy`. */
export function happeningsIn({ faults, workload }: Scenario): string {
  const members = (workload.groups ?? []).flatMap(group => group.members)
  const redeploys = members.reduce((sum, member) => sum + member.redeploys.length, 0)
  if (redeploys === 0) return counted(faults.length, 'fault')
  const parts = faults.length === 0 ? [] : [counted(faults.length, 'fault')]
  return [...parts, counted(redeploys, 'redeploy')].join(' and ')
}

export function recordsIn({ workload }: Scenario): number {
  return workload.producers.reduce(
    (total, { sends }) => total + sends.reduce((sum, { records }) => sum + records, 0),
    0,
  )
}

function describeProducer(producer: ProducerSpec): string {
  const { client, acks, idempotent, sequential, maxInFlight, retries, requestTimeoutMs, compression, sends } = producer
  const { renewAfterError } = producer
  const records = sends.reduce((sum, send) => sum + send.records, 0)
  const parts = [
    client,
    `acks=${acks === -1 ? 'all' : acks}`,
    ...(idempotent ? ['idempotent'] : []),
    sequential ? 'awaits each send' : 'overlapping sends',
    ...(renewAfterError ? ['new client after an error'] : []),
    ...(maxInFlight === null ? [] : [`at most ${maxInFlight} in flight`]),
    retries >= UNLIMITED ? 'unlimited retries' : `${retries} ${retries === 1 ? 'retry' : 'retries'}`,
    `request timeout ${requestTimeoutMs} ms`,
    ...(compression === 'none' ? [] : [compression]),
    ...(producer.bufferMemory === undefined ? [] : [`buffer.memory=${producer.bufferMemory}`]),
    ...(producer.maxBlockMs === undefined ? [] : [`max.block.ms=${producer.maxBlockMs}`]),
    ...(sends.some(send => 'key' in send) ? [`by key (${describePartitioner(producer)})`] : []),
  ]
  return `${parts.join(', ')}: ${counted(sends.length, 'send')}, ${counted(records, 'record')}`
}

function describePartitioner({ partitioner = 'own' }: ProducerSpec): string {
  return partitioner === 'own' ? "its client's own partitioner" : 'the partitioner of the Java client'
}

function describeGroup(group: GroupSpec): string {
  const { client, protocol, assignor, commit, autoCommitIntervalMs, handlerMs, sink, members } = group
  const interval = autoCommitIntervalMs === null ? '' : ` every ${autoCommitIntervalMs} ms`
  const parts = [
    client,
    ...(protocol === 'classic' ? [] : [`protocol ${protocol}`]),
    ...(assignor === 'roundrobin' ? [] : [assignor]),
    commit === 'auto' ? `commits by itself${interval}` : `commits ${commit} processing`,
    ...(handlerMs === 0 ? [] : [`${handlerMs} ms a record`]),
    ...(sink === 'none' ? [] : ['idempotent sink']),
    ...(group.isolationLevel === undefined ? [] : [group.isolationLevel]),
    ...(group.maxPollRecords === undefined ? [] : [`at most ${counted(group.maxPollRecords, 'record')} a poll`]),
    `session ${group.sessionTimeoutMs} ms`,
    `rebalance ${group.rebalanceTimeoutMs} ms`,
  ]
  return `${parts.join(', ')}: ${members.map(describeMember).join('; ')}`
}

function describeMember({ startMs, instanceId, redeploys }: MemberSpec, index: number): string {
  const parts = [
    `member ${index}`,
    ...(instanceId === null ? [] : [`static as ${instanceId}`]),
    ...(startMs === 0 ? [] : [`from ${startMs} ms`]),
    ...redeploys.map(({ atMs, how, forMs }) => `${how === 'kill' ? 'killed' : 'closed'} at ${atMs} ms for ${forMs} ms`),
  ]
  return parts.join(' ')
}

function describeFault({ kind, at, forMs, pick, amount, on, nodes, shape, error }: Fault): string {
  const more = [
    ...(on === undefined ? [] : [typeof on === 'number' ? `on broker ${on + 1}` : `on the ${on}`]),
    ...(nodes === undefined ? [] : [`${nodes} nodes at once`]),
    ...(shape === undefined ? [] : [shape]),
    ...(error === undefined ? [] : [error]),
    ...(forMs === 0 ? [] : [`for ${forMs} ms`]),
    ...(amount === undefined ? [] : [`amount ${amount}`]),
    ...(pick === undefined ? [] : [`pick ${pick}`]),
  ]
  return [`${kind} ${describeTrigger(at)}`, ...more].join(', ')
}

function describeTrigger(at: Trigger): string {
  if ('ms' in at) return `at ${at.ms} ms`
  if ('disk' in at) {
    return `in the middle of disk ${at.disk} ${at.nth}${at.file === undefined ? '' : ` of ${at.file}`}`
  }
  if ('probe' in at) return `when ${at.probe} is ${(at.nth ?? 1) === 1 ? 'first seen' : `seen ${at.nth} times`}`
  return `after ${at.request} request ${at.nth}`
}
