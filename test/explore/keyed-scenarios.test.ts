import { describe, expect, it } from 'vitest'
import { scenarioFromSeed } from '../../harness/explore/arbitrary.ts'
import { type ExploreOptions, respects } from '../../harness/explore/explore-options.ts'
import { parseScenario } from '../../harness/explore/parse-scenario.ts'
import { promisedGuarantees } from '../../harness/explore/promised-guarantees.ts'
import { ScenarioError } from '../../harness/explore/scenario-error.ts'
import { simplify } from '../../harness/explore/simplify.ts'
import type { ProducerSpec, Scenario } from '../../harness/trial/scenario.ts'
import { GROUP } from '../checkers/group-support.ts'
import { PRODUCER, scenarioOf } from '../checkers/support.ts'

function scenarios(options: ExploreOptions): Scenario[] {
  return Array.from({ length: 150 }, (_, trial) => scenarioFromSeed(`17-${trial}`, options))
}

function keyed(...producers: readonly Partial<ProducerSpec>[]): Scenario {
  const sends = [{ atMs: 0, key: 3, records: 1, bytes: 0 }]
  const scenario = scenarioOf(producers.map(producer => ({ ...PRODUCER, sends, ...producer })))
  return { ...scenario, format: 4, workload: { ...scenario.workload, groups: [GROUP] } }
}

function messageOf(json: unknown): string {
  try {
    parseScenario(json)
  } catch (error) {
    if (error instanceof ScenarioError) return error.message
    throw error
  }
  return 'accepted'
}

describe('scenarios in which producers send by key', () => {
  it('are what the options ask for, and what files can hold', () => {
    const options: ExploreOptions = { workload: 'keyed', partitioner: 'own', commit: 'after' }
    for (const scenario of scenarios(options)) {
      expect(respects(options, scenario)).toBe(true)
      expect(respects({ workload: 'group' }, scenario)).toBe(false)
      expect(respects({ ...options, partitioner: 'java' }, scenario)).toBe(false)
      expect(parseScenario(JSON.parse(JSON.stringify(scenario)))).toEqual(scenario)
    }
  })

  it('share a few keys among all producers', () => {
    for (const { workload } of scenarios({ workload: 'keyed' })) {
      const keys = workload.producers.flatMap(({ sends }) => sends.map(send => ('key' in send ? send.key : -1)))
      expect(keys).not.toContain(-1)
      expect(new Set(keys).size).toBeLessThanOrEqual(8)
    }
  })

  it('shrink to plainer keys, and stay what was asked for', async () => {
    const scenario = keyed({ partitioner: 'java' })
    const options: ExploreOptions = { workload: 'keyed' }
    let smallest = scenario
    await simplify(scenario, async candidate => {
      if (!respects(options, { ...candidate, guarantees: [] })) return false
      smallest = candidate
      return true
    })
    expect(smallest.workload.producers[0]?.sends).toEqual([{ atMs: 0, key: 0, records: 1, bytes: 0 }])
  })

  it('shrink to plainer keys that are shared by the same producers as before', async () => {
    const keys = [[9622, 7], [9622]]
    const sendsOf = (own: readonly number[]): ProducerSpec['sends'] =>
      own.map(key => ({ atMs: 0, key, records: 1, bytes: 0 }))
    let smallest = keyed(...keys.map(own => ({ sends: sendsOf(own) })))
    await simplify(smallest, async candidate => {
      const [first, second] = candidate.workload.producers.map(({ sends }) =>
        sends.flatMap(send => ('key' in send ? [send.key] : [])),
      )
      const [shared, other] = first ?? []
      if (other === undefined || shared === other || second?.[0] !== shared) return false
      smallest = candidate
      return true
    })
    expect(smallest.workload.producers.map(({ sends }) => sends)).toEqual([sendsOf([1, 0]), sendsOf([1])])
  })

  it('have neither keys nor partitioners in a file of a format before', () => {
    const { format: _, ...scenario } = keyed({})
    expect(messageOf({ ...scenario, format: 3 })).toMatch(
      /sends\[0\]\.key is 3, expected one of the keys atMs, partition/,
    )
    expect(messageOf({ ...keyed({ partitioner: 'own', sends: [] }), format: 3 })).toMatch(/partitioner is "own"/)
  })

  it('send either by key or to a partition', () => {
    const sends = [{ atMs: 0, key: 3, partition: 0, records: 1, bytes: 0 }]
    expect(messageOf(keyed({ sends }))).toMatch(/sends\[0\]\.partition is 0, expected one of the keys atMs, key/)
  })
})

describe('what is promised of keys', () => {
  it('is their order at the sinks of groups that read at least once what is written in order', () => {
    expect(promisedGuarantees(keyed({}))).toContain('key-order')
    expect(promisedGuarantees(keyed({ sequential: false }))).not.toContain('key-order')
    expect(promisedGuarantees(scenarioOf([PRODUCER]))).not.toContain('key-order')
    const before = keyed({})
    const groups = [{ ...GROUP, commit: 'before' as const }]
    expect(promisedGuarantees({ ...before, workload: { ...before.workload, groups } })).not.toContain('key-order')
  })

  it('is one partition for each as long as all choose it in the same way', () => {
    const promised = (...producers: readonly Partial<ProducerSpec>[]): boolean =>
      promisedGuarantees(keyed(...producers)).includes('one-partition-per-key')
    const platformatic = { client: 'platformatic' } as const

    expect(promised({}, { client: 'java-semantics' })).toBe(true)
    expect(promised({}, { ...platformatic, partitioner: 'java' })).toBe(true)
    expect(promised(platformatic, { ...platformatic, partitioner: 'own' })).toBe(true)
    expect(promised({}, platformatic)).toBe(false)
    expect(promised({}, { ...platformatic, sends: [] })).toBe(true)
  })
})

describe('scenarios of redeploys', () => {
  it('replace three members one after the other, and nothing else happens unless it is asked for', () => {
    const options: ExploreOptions = { workload: 'redeploy' }
    for (const scenario of scenarios(options)) {
      const [group, ...others] = scenario.workload.groups ?? []
      expect(others).toEqual([])
      expect(scenario.faults).toEqual([])
      expect(scenario.cluster.topic.partitions).toBeGreaterThanOrEqual(3)
      expect(respects(options, scenario)).toBe(true)
      expect(parseScenario(JSON.parse(JSON.stringify(scenario)))).toEqual(scenario)

      const rounds = new Set(group?.members.map(({ redeploys }) => redeploys.length))
      expect(group?.members).toHaveLength(3)
      expect(rounds.size).toBe(1)
      const times = group?.members.map(({ redeploys }) => redeploys[0]?.atMs ?? -1) ?? []
      expect(times).toEqual([...times].sort((a, b) => a - b))
      expect(group?.members.every(({ redeploys }) => redeploys.length > 0)).toBe(true)
    }
  })

  it('draw closes and kills', () => {
    const members = scenarios({ workload: 'redeploy' }).flatMap(({ workload }) => workload.groups?.[0]?.members ?? [])
    const means = new Set(members.flatMap(({ redeploys }) => redeploys.map(({ how }) => how)))
    expect([...means].sort()).toEqual(['close', 'kill'])
  })
})
