import { describe, expect, it } from 'vitest'
import { scenarioFromSeed } from '../../harness/explore/arbitrary.ts'
import { type ExploreOptions, respects } from '../../harness/explore/explore-options.ts'
import { promisedToGroups } from '../../harness/explore/group-promises.ts'
import { parseScenario } from '../../harness/explore/parse-scenario.ts'
import { withLessOfGroups } from '../../harness/explore/simplify-groups.ts'
import type { GroupSpec } from '../../harness/trial/group-spec.ts'
import type { Fault, Scenario } from '../../harness/trial/scenario.ts'
import { GROUP } from '../checkers/group-support.ts'
import { PRODUCER, scenarioOf } from '../checkers/support.ts'

const OF_GROUPS: ExploreOptions = { workload: 'group' }

function scenarios(options: ExploreOptions): Scenario[] {
  return Array.from({ length: 200 }, (_, trial) => scenarioFromSeed(`11-${trial}`, { ...OF_GROUPS, ...options }))
}

function withGroup(change: Partial<GroupSpec> = {}, faults: readonly Fault[] = []): Scenario {
  const { cluster, workload, ...scenario } = scenarioOf([PRODUCER])
  const topic = { ...cluster.topic, partitions: 1 }
  const groups = [{ ...GROUP, ...change }]
  return { ...scenario, format: 3, cluster: { ...cluster, topic }, workload: { ...workload, groups }, faults }
}

describe('scenarios with groups', () => {
  it('are what the options ask for, and what files can hold', () => {
    const options: ExploreOptions = { ...OF_GROUPS, consumer: 'kafkajs', commit: 'after', sink: 'idempotent' }
    for (const scenario of scenarios(options)) {
      expect(respects(options, scenario)).toBe(true)
      expect(respects({}, scenario)).toBe(false)
      expect(parseScenario(JSON.parse(JSON.stringify(scenario)))).toEqual(scenario)
    }
  })

  it('draw faults of applications, and faults that wait for what groups ask', () => {
    const faults = scenarios({}).flatMap(scenario => scenario.faults)
    const requests = new Set(faults.flatMap(({ at }) => ('request' in at ? [at.request] : [])))

    for (const kind of ['pause-client', 'kill-client', 'zombie'] as const) {
      expect(faults.some(fault => fault.kind === kind)).toBe(true)
    }
    for (const api of ['OffsetCommit', 'JoinGroup', 'SyncGroup', 'Heartbeat']) expect(requests).toContain(api)
  })

  it('let our own client speak either protocol, and tell the coordinator what the consumer protocol leaves to it', () => {
    const drawn = scenarios({ consumer: 'java-semantics' })
    const protocols = drawn.flatMap(({ workload }) => (workload.groups ?? []).map(({ protocol }) => protocol))
    expect(new Set(protocols)).toEqual(new Set(['classic', 'consumer']))

    const options: ExploreOptions = { ...OF_GROUPS, consumer: 'java-semantics', group: { protocol: 'consumer' } }
    for (const scenario of scenarios(options)) {
      const { cluster, faults, workload } = scenario
      const [first] = workload.groups ?? []
      expect(respects(options, scenario)).toBe(true)
      expect(cluster.config['group.consumer.session.timeout.ms']).toBe(`${first?.sessionTimeoutMs}`)
      expect(cluster.config['group.consumer.heartbeat.interval.ms']).toBe(`${first?.heartbeatIntervalMs}`)
      const requests = faults.flatMap(({ at }) => ('request' in at ? [at.request] : []))
      for (const api of ['JoinGroup', 'SyncGroup', 'Heartbeat', 'LeaveGroup']) expect(requests).not.toContain(api)
      expect(parseScenario(JSON.parse(JSON.stringify(scenario)))).toEqual(scenario)
    }
  })

  it('give KafkaJS nothing to read that it has no codec for', () => {
    for (const { workload, cluster } of scenarios({ consumer: 'kafkajs' })) {
      for (const { compression } of workload.producers) expect(['none', 'gzip']).toContain(compression)
      expect(['producer', 'uncompressed', 'gzip', undefined]).toContain(cluster.config['compression.type'])
    }
  })
})

describe('what is promised to groups', () => {
  it('is at least once for those that commit afterwards, and once in effect with an idempotent sink', () => {
    const kept = ['one-owner', 'commits-stay']
    const sound = [...kept, 'fenced-commits-refused', 'only-owned-records', 'group-order', 'rereads-from-commit']
    const always = ['every-commit-settles', 'group-converges', ...sound]
    const afterwards = ['at-least-once', 'commits-not-beyond-processed']

    expect(promisedToGroups(withGroup())).toEqual([...always, ...afterwards])
    expect(promisedToGroups(withGroup({ commit: 'auto' }))).toEqual([...always, ...afterwards])
    expect(promisedToGroups(withGroup({ sink: 'idempotent' }))).toEqual([...always, ...afterwards, 'effectively-once'])
    expect(promisedToGroups(withGroup({ commit: 'before' }))).toEqual([...always, 'at-most-once'])
  })

  it('takes no word of KafkaJS for a commit where it may be closed meanwhile: it says yes to some that it never sends', () => {
    const redeploys = [{ atMs: 1000, how: 'close' as const, forMs: 0 }]
    const members = [{ startMs: 0, instanceId: null, redeploys }]
    const ofCommits = ['commits-stay', 'fenced-commits-refused', 'rereads-from-commit', 'at-most-once']
    const promised = (change: Partial<GroupSpec>): string[] =>
      promisedToGroups(withGroup({ commit: 'before', members, ...change })).filter(name => ofCommits.includes(name))

    expect(promised({})).toEqual([])
    expect(promised({ client: 'java-semantics', assignor: 'range' })).toEqual(ofCommits)
    expect(promised({ members: [{ startMs: 0, instanceId: null, redeploys: [] }] })).toEqual(ofCommits)
    expect(promised({ commit: 'auto' })).toEqual(ofCommits.slice(0, 3))
  })

  it('is not that KafkaJS handles its own records only, where it may have fetched of several partitions', () => {
    const promised = (change: Partial<GroupSpec>, partitions: number): string[] => {
      const { cluster, ...rest } = withGroup({ commit: 'before', ...change })
      const topic = { ...cluster.topic, partitions }
      const names = promisedToGroups({ ...rest, cluster: { ...cluster, topic } })
      return names.filter(name => name === 'only-owned-records' || name === 'at-most-once')
    }

    expect(promised({}, 2)).toEqual([])
    expect(promised({}, 1)).toEqual(['only-owned-records', 'at-most-once'])
    expect(promised({ client: 'java-semantics', assignor: 'range' }, 2)).toEqual(['only-owned-records', 'at-most-once'])
  })

  it('is less for platformatic, which commits on its own what it has only handed over', () => {
    const promised = promisedToGroups(withGroup({ client: 'platformatic', commit: 'auto' }))

    expect(promised).not.toContain('at-least-once')
    expect(promised).not.toContain('at-most-once')
  })

  it('is nothing about what platformatic hands over: it goes on with what a rebalance has taken from it', () => {
    const promised = promisedToGroups(withGroup({ client: 'platformatic' }))

    expect(promised).toContain('at-least-once')
    expect(promised).not.toContain('every-commit-settles')
    for (const name of ['only-owned-records', 'group-order', 'rereads-from-commit'])
      expect(promised).not.toContain(name)
  })

  it('is no convergence where a handler outlasts the session of a client that is silent meanwhile', () => {
    const slow = { handlerMs: 8000 }

    expect(promisedToGroups(withGroup(slow))).not.toContain('group-converges')
    expect(promisedToGroups(withGroup({ ...slow, client: 'platformatic' }))).toContain('group-converges')
  })

  it('is no more than that they go on where a power loss may take commits', () => {
    const powerLoss: Fault = { kind: 'power-loss', at: { ms: 1000 }, forMs: 500 }

    expect(promisedToGroups(withGroup({}, [powerLoss]))).toEqual(['every-commit-settles', 'group-converges'])
  })

  it('is nothing where disks rot', () => {
    expect(promisedToGroups(withGroup({}, [{ kind: 'bit-rot', at: { ms: 1000 }, forMs: 0 }]))).toEqual([])
  })
})

describe('withLessOfGroups', () => {
  it('takes away groups, members and redeploys, and makes the rest plainer', () => {
    const member = { startMs: 5, instanceId: null, redeploys: [{ atMs: 100, how: 'kill', forMs: 7 }] } as const
    const smaller = [...withLessOfGroups(withGroup({ members: [member, member], handlerMs: 0 }))]
    const members = smaller.map(({ workload }) => workload.groups?.[0]?.members)

    expect(members).toContainEqual([member])
    expect(members).toContainEqual([{ ...member, redeploys: [] }, member])
    expect(members).toContainEqual([{ ...member, startMs: 0 }, member])
    expect(members).toContainEqual([{ ...member, redeploys: [{ atMs: 100, how: 'kill', forMs: 0 }] }, member])
  })

  it('has nothing to take from a scenario without groups', () => {
    expect([...withLessOfGroups(scenarioOf([PRODUCER]))]).toEqual([])
  })
})
