import type { ChurnCall } from '../trial/churn-history.ts'
import { churnTopic, describeChurn } from '../trial/churn-spec.ts'
import type { ChurnEvidence, ChurnedTopic } from './churn-evidence.ts'
import { type Contradiction, type ExpectedTopic, expectedTopics, isAsTold } from './churn-model.ts'
import { atTime } from './describe.ts'
import type { Checker, Evidence, Violation } from './evidence.ts'

const GUARANTEE = 'topics-as-told'

/**
 * What a controller has acknowledged is what the metadata of the healed cluster says: a topic that was created exists until it is
 * deleted (`created-topic-missing`), and is the one that was created (`topic-is-another`); one that was deleted does not exist
 * (`deleted-topic-exists`); it has all the partitions that it was given (`partitions-missing`), and no others (`partitions-too-many`);
 * its configuration is what was set last (`configuration-lost`), and its replicas are where they were moved to
 * (`replicas-not-as-reassigned`). Its partitions come to rest, with all replicas in sync (`topics-do-not-settle`). What ended without
 * an answer may have been done, or not.
 */
export const topicsAsTold: Checker = evidence => {
  const { churn } = evidence
  if (churn === undefined) return []
  const { topics, contradictions } = expectedTopics(churn.calls)
  return [
    ...contradictions.map(vanished),
    ...topics.flatMap(expected => judge(expected, evidence, churn)),
    ...unsettled(churn, evidence),
  ]
}

function vanished({ topic, call, since }: Contradiction): Violation {
  const message = `${told(since)}, but to "${describeChurn(call.operation)}" at ${atTime(call.invokedMs)} the answer was that ${churnTopic(topic)} does not exist.`
  return { guarantee: GUARANTEE, kind: 'created-topic-missing', message }
}

function judge(expected: ExpectedTopic, evidence: Evidence, { topics }: ChurnEvidence): Violation[] {
  const name = churnTopic(expected.topic)
  const actual = topics.find(({ topic }) => topic === expected.topic)
  if (expected.exists === undefined) return []
  if (!expected.exists) {
    // Brokers may create what producers ask for, unless they are told not to.
    if (actual === undefined || createsUnasked(evidence)) return []
    const since = expected.since === undefined ? 'Nobody created it' : told(expected.since)
    return [violation('deleted-topic-exists', `${since}, but ${name} exists, with id ${actual.topicId}.`)]
  }
  if (actual === undefined) {
    const since = expected.since === undefined ? '' : told(expected.since)
    return [violation('created-topic-missing', `${since}, and nobody has deleted it, but ${name} does not exist.`)]
  }
  return [...judgeShape(expected, actual, name), ...judgeReplicas(expected, actual, evidence)]
}

function judgeShape(expected: ExpectedTopic, actual: ChurnedTopic, name: string): Violation[] {
  const found: Violation[] = []
  const { topicId, partitions, mayHaveMore } = expected
  if (topicId !== undefined && topicId !== actual.topicId) {
    found.push(violation('topic-is-another', `${name} was created with id ${topicId}, but has id ${actual.topicId}.`))
  }
  const count = actual.replicas.length
  if (count < partitions) {
    found.push(violation('partitions-missing', `${name} was given ${partitions} partitions, but has ${count}.`))
  } else if (count > partitions && !mayHaveMore) {
    found.push(violation('partitions-too-many', `${name} was given ${partitions} partitions, but has ${count}.`))
  }
  for (const [key, value] of expected.configs) {
    const now = actual.configs[key]
    if (value === undefined || now === value) continue
    const message = `${key}=${value} was the last that was set of ${name}, but it is ${now ?? 'not set'}.`
    found.push(violation('configuration-lost', message))
  }
  return found
}

function judgeReplicas({ targets }: ExpectedTopic, actual: ChurnedTopic, { scenario }: Evidence): Violation[] {
  return [...targets].flatMap(([partition, target]) => {
    const replicas = actual.replicas[partition]
    if (target === undefined || replicas === undefined) return []
    const { asTold, wanted } = isAsTold(replicas, target, scenario.cluster.brokers)
    if (asTold) return []
    const where = `${churnTopic(actual.topic)}-${partition}`
    const message = `${where} was given the replicas ${wanted.join(', ')}, but has ${replicas.join(', ')}.`
    return [violation('replicas-not-as-reassigned', message)]
  })
}

function unsettled({ missing }: ChurnEvidence, { healedMs }: Evidence): Violation[] {
  if (missing.length === 0) return []
  const message = `All faults had ended at ${atTime(healedMs)}, but in the end ${missing.join('; ')}.`
  return [violation('topics-do-not-settle', message)]
}

function createsUnasked({ scenario }: Evidence): boolean {
  const writes = scenario.workload.churn?.some(({ kind }) => kind === 'write') ?? false
  return writes && scenario.cluster.config['auto.create.topics.enable'] !== 'false'
}

function told({ operation, outcome }: ChurnCall): string {
  const at = outcome.kind === 'pending' ? '' : ` at ${atTime(outcome.atMs)}`
  const how = outcome.kind === 'refused' ? `was answered with ${outcome.error.type}` : 'was acknowledged'
  return `"${describeChurn(operation)}" ${how}${at}`
}

function violation(kind: string, message: string): Violation {
  return { guarantee: GUARANTEE, kind, message }
}
