import { describe, expect, it } from 'vitest'
import { respects } from '../../harness/explore/explore-options.ts'
import { parseScenario } from '../../harness/explore/parse-scenario.ts'
import type { GroupSpec } from '../../harness/trial/group-spec.ts'
import type { Scenario } from '../../harness/trial/scenario.ts'
import { CLIENT_FAULTS, DEFAULT_GROUP_FAULT_MODELS, kindsOf } from '../../harness/verdict/fault-models.ts'
import { pinned, type VerdictPlan } from '../../harness/verdict/plan.ts'
import type { Question } from '../../harness/verdict/question.ts'
import { verdictScenario } from '../../harness/verdict/verdict-arbitrary.ts'
import { planFor } from './support.ts'

const TRIALS = 120

function scenarios(plan: VerdictPlan): Scenario[] {
  return Array.from({ length: TRIALS }, (_, trial) => verdictScenario(plan, `3-${trial}`, trial))
}

function planOf(question: Question, models: VerdictPlan['models'] = DEFAULT_GROUP_FAULT_MODELS): VerdictPlan {
  return planFor(question, { models })
}

function groupsIn(plan: VerdictPlan): GroupSpec[] {
  return scenarios(plan).flatMap(({ workload }) => workload.groups ?? [])
}

describe('scenarios of a verdict about a group', () => {
  it('have one group, of two or three members, that is what was asked about', () => {
    const consumerProperties = 'session.timeout.ms=8000\nmax.poll.records=9\ngroup.instance.id=a'
    const question = { client: 'java-semantics', commit: 'after', assignor: 'sticky', sink: 'idempotent' } as const
    const plan = planOf({ ...question, isolationLevel: 'read_committed', consumerProperties })
    const groups = groupsIn(plan)
    expect(groups).toHaveLength(TRIALS)
    expect([...new Set(groups.map(({ members }) => members.length))].sort()).toEqual([2, 3])
    for (const scenario of scenarios(plan)) {
      expect(respects(pinned(plan, scenario.guarantees), scenario)).toBe(true)
      expect(scenario.workload.groups?.[0]).toMatchObject({
        client: 'java-semantics',
        commit: 'after',
        assignor: 'sticky',
        sink: 'idempotent',
        isolationLevel: 'read_committed',
        sessionTimeoutMs: 8000,
        maxPollRecords: 9,
      })
    }
    for (const { members } of groups) {
      expect(members.map(({ instanceId }) => instanceId)).toEqual(members.map((_, index) => `instance-${index}`))
    }
  })

  it('are no counterexamples of another group', () => {
    const [scenario] = scenarios(planOf({ client: 'kafkajs', commit: 'after' }))
    const other = planOf({ client: 'kafkajs', commit: 'before' })
    expect(scenario && respects(pinned(other, scenario.guarantees), scenario)).toBe(false)
    const alone = planFor({ client: 'kafkajs' })
    expect(scenario && respects(pinned(alone, scenario.guarantees), scenario)).toBe(false)
  })

  it('can be written to a file and read again, whatever client, protocol and timeouts', () => {
    const questions: Question[] = [
      { sink: 'none' },
      { client: 'java-semantics', consumerProperties: 'heartbeat.interval.ms=7000' },
      { client: 'java-semantics', consumerProperties: 'max.poll.interval.ms=6500' },
      { client: 'platformatic', autoCommitIntervalMs: 100 },
      { client: 'java-semantics', groupProtocol: 'consumer' },
    ]
    for (const question of questions) {
      for (const scenario of scenarios(planOf(question)))
        expect(parseScenario(JSON.parse(JSON.stringify(scenario)))).toEqual(scenario)
    }
  })

  it('draw the client of a group among those of others when none is asked for', () => {
    expect([...new Set(groupsIn(planOf({ sink: 'none' })).map(({ client }) => client))].sort()).toEqual([
      'kafkajs',
      'platformatic',
    ])
  })

  it('have what happens to applications if it is among the models, and nothing of it otherwise', () => {
    const question = { client: 'kafkajs', commit: 'after' } as const
    const kinds = new Set(scenarios(planOf(question)).flatMap(({ faults }) => faults.map(({ kind }) => kind)))
    expect(kindsOf(['client']).every(kind => kinds.has(kind))).toBe(true)
    expect(
      groupsIn(planOf(question)).some(({ members }) => members.some(({ redeploys }) => redeploys.length > 0)),
    ).toBe(true)

    const quiet = planOf(question, ['maintenance'])
    expect(scenarios(quiet).every(({ faults }) => faults.every(({ kind }) => !CLIENT_FAULTS.has(kind)))).toBe(true)
    expect(groupsIn(quiet).every(({ members }) => members.every(({ redeploys }) => redeploys.length === 0))).toBe(true)
  })

  it('may have nothing happen but to applications', () => {
    const faults = scenarios(planOf({ client: 'kafkajs', commit: 'after' }, ['client'])).flatMap(({ faults }) => faults)
    expect(faults.length).toBeGreaterThan(0)
    expect(faults.every(({ kind }) => CLIENT_FAULTS.has(kind))).toBe(true)
  })

  it('let faults wait for what members ask of their coordinators', () => {
    const faults = scenarios(planOf({ client: 'kafkajs', commit: 'after' })).flatMap(({ faults }) => faults)
    const requests = new Set(faults.flatMap(({ at }) => ('request' in at ? [at.request] : [])))
    expect(requests).toContain('OffsetCommit')
    expect(requests).toContain('JoinGroup')
    expect(faults.every(({ at, on }) => !('request' in at) || on !== undefined)).toBe(true)
  })

  it("give the coordinators' topic the settings of the topic, and let what was asked about win", () => {
    const brokerProperties = 'offsets.topic.num.partitions=7'
    const plan = planOf({ client: 'kafkajs', commit: 'after', minInsyncReplicas: 2, brokerProperties })
    for (const { cluster } of scenarios(plan)) {
      expect(cluster.config).toMatchObject({
        'min.insync.replicas': '2',
        'unclean.leader.election.enable': 'false',
        'offsets.topic.num.partitions': '7',
      })
    }
  })
})

describe('scenarios of producers alone', () => {
  it('have applications killed and paused when that is asked for, but no zombies', () => {
    const kinds = scenarios(planOf({}, ['client'])).flatMap(({ faults }) => faults.map(({ kind }) => kind))
    expect([...new Set(kinds)].sort()).toEqual(['kill-client', 'pause-client'])
  })
})
