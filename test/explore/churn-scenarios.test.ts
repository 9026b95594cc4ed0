import { describe, expect, it } from 'vitest'
import { scenarioFromSeed } from '../../harness/explore/arbitrary.ts'
import { promisedToChurn } from '../../harness/explore/churn-promises.ts'
import { type ExploreOptions, respects } from '../../harness/explore/explore-options.ts'
import { parseScenario } from '../../harness/explore/parse-scenario.ts'
import { ScenarioError } from '../../harness/explore/scenario-error.ts'
import { simplify } from '../../harness/explore/simplify.ts'
import { CHURN_KINDS, type ChurnOperation } from '../../harness/trial/churn-spec.ts'
import type { Fault, Scenario } from '../../harness/trial/scenario.ts'
import { PRODUCER, scenarioOf } from '../checkers/support.ts'

const OPTIONS: ExploreOptions = { workload: 'admin-churn' }
const CREATE: ChurnOperation = { kind: 'create', atMs: 10, topic: 1, partitions: 2, replicationFactor: 3 }

function scenarios(options: ExploreOptions = {}): Scenario[] {
  return Array.from({ length: 150 }, (_, trial) => scenarioFromSeed(`19-${trial}`, { ...OPTIONS, ...options }))
}

function withChurn(churn: readonly object[], change: Partial<Scenario> = {}): Scenario {
  const scenario = scenarioOf([PRODUCER])
  const cluster = { ...scenario.cluster, brokers: 3 }
  const workload = { ...scenario.workload, churn: churn as ChurnOperation[] }
  return { ...scenario, format: 4, cluster, workload, ...change }
}

function messageOf(json: unknown): string {
  try {
    parseScenario(JSON.parse(JSON.stringify(json)))
  } catch (error) {
    if (error instanceof ScenarioError) return error.message
    throw error
  }
  return 'accepted'
}

describe('scenarios with administration', () => {
  it('are what the options ask for, and what files can hold', () => {
    for (const scenario of scenarios({ set: { 'num.io.threads': '3' } })) {
      expect(respects(OPTIONS, scenario)).toBe(true)
      expect(respects({}, scenario)).toBe(false)
      expect(scenario.cluster.config).toMatchObject({ 'auto.create.topics.enable': 'false', 'num.io.threads': '3' })
      expect(parseScenario(JSON.parse(JSON.stringify(scenario)))).toEqual(scenario)
    }
  })

  it('do everything that there is to do, and nothing that a cluster of that size cannot', () => {
    const kinds = new Set<string>()
    for (const { workload, cluster } of scenarios()) {
      for (const operation of workload.churn ?? []) {
        kinds.add(operation.kind)
        if (operation.kind === 'create') expect(operation.replicationFactor).toBeLessThanOrEqual(cluster.brokers)
        if (operation.kind === 'reassign') expect(Math.max(...operation.replicas)).toBeLessThan(cluster.brokers)
      }
    }
    expect([...kinds].sort()).toEqual([...CHURN_KINDS].sort())
  })

  it('shrink operation by operation, and to plainer ones', async () => {
    const many = Array.from({ length: 9 }, (_, topic) => ({ ...CREATE, topic, atMs: topic * 100 }))
    let smallest = withChurn(many)
    await simplify(smallest, async candidate => {
      const { churn = [] } = candidate.workload
      if (!churn.some(({ kind }) => kind === 'create')) return false
      smallest = candidate
      return true
    })
    expect(smallest.workload.churn).toEqual([
      { kind: 'create', atMs: 0, topic: 0, partitions: 1, replicationFactor: 1 },
    ])
  })
})

describe('parseScenario, with administration', () => {
  it('knows none in a file of a format before', () => {
    expect(messageOf(withChurn([CREATE], { format: 3 }))).toMatch(
      /^workload\.churn is .*, expected one of the keys kind/,
    )
  })

  it.each([
    [{ kind: 'rename', atMs: 0, topic: 0 }, /churn\[0\]\.kind is "rename", expected one of create, expand, delete/],
    [
      { ...CREATE, replicas: [1] },
      /churn\[0\]\.replicas is .*, expected one of the keys kind, atMs, topic, partitions/,
    ],
    [{ ...CREATE, partitions: 0 }, /churn\[0\]\.partitions is 0, expected a whole number from 1 to 100/],
    [{ kind: 'delete', atMs: -1, topic: 0 }, /churn\[0\]\.atMs is -1, expected a whole number from 0/],
    [
      { kind: 'reassign', atMs: 0, topic: 0, partition: 0, replicas: [] },
      /replicas is \[\], expected a list of 1 to 9/,
    ],
    [{ kind: 'delete-records', atMs: 0, topic: 0, partition: 0, offset: -2 }, /offset is -2, expected a whole number/],
    [{ kind: 'write', atMs: 0, topic: 0, partition: 0, records: 0 }, /records is 0, expected a whole number from 1/],
    [{ kind: 'configure', atMs: 0, topic: 0, key: '', value: '1' }, /churn\[0\]\.key is "", expected text/],
  ])('refuses %j', (operation, message) => {
    expect(messageOf(withChurn([operation]))).toMatch(message)
  })
})

describe('what is promised of administration', () => {
  const always = ['every-admin-call-settles', 'topics-as-told', 'deleted-is-gone']
  const loss: Fault = { kind: 'power-loss', at: { ms: 5 }, forMs: 100 }
  const promised = (faults: readonly Fault[], ...churn: readonly ChurnOperation[]): string[] =>
    promisedToChurn(withChurn(churn, { faults }))

  it('is nothing without any', () => {
    expect(promisedToChurn(scenarioOf([PRODUCER]))).toEqual([])
  })

  it('is that records stay as long as no copy is lost', () => {
    expect(promised([], CREATE)).toEqual([...always, 'churned-records-stay'])
    expect(promised([{ ...loss, kind: 'kill' }], CREATE)).toEqual([...always, 'churned-records-stay'])
    expect(promised([loss], CREATE)).toEqual(always)
  })

  it('is nothing where disks give back something else than was written to them', () => {
    expect(promised([{ ...loss, kind: 'bit-rot' }], CREATE)).toEqual([])
  })
})
