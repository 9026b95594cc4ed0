import { describe, expect, it } from 'vitest'
import { scenarioFromSeed } from '../../harness/explore/arbitrary.ts'
import { parseJson, parseScenario } from '../../harness/explore/parse-scenario.ts'
import { ScenarioError } from '../../harness/explore/scenario-error.ts'
import type { Scenario } from '../../harness/trial/scenario.ts'

type Json = Record<string, unknown>

function written(): Json {
  return JSON.parse(JSON.stringify(scenarioFromSeed('1-1'))) as Json
}

function change(path: string, value: unknown): Json {
  const scenario = written()
  const keys = path.split('.')
  const last = keys.pop() ?? ''
  let at = scenario
  for (const key of keys) at = at[key] as Json
  if (value === undefined) delete at[last]
  else at[last] = value
  return scenario
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

describe('parseScenario', () => {
  it('reads back every scenario that is generated', () => {
    for (let trial = 0; trial < 300; trial++) {
      const scenario: Scenario = scenarioFromSeed(`7-${trial}`)
      expect(parseScenario(JSON.parse(JSON.stringify(scenario)))).toEqual(scenario)
    }
  })

  it.each([
    ['format', 1, 'format is 1, expected one of 2, 3'],
    ['seed', '', 'seed is "", expected text of 1 to 200 characters'],
    ['schedule', 'lifo', 'schedule is "lifo", expected one of fifo, random, pct, starve-one-host'],
    ['cluster', undefined, 'cluster is missing, expected an object'],
    ['cluster.brokers', 10, 'cluster.brokers is 10, expected a whole number from 1 to 9'],
    ['cluster.controllers', 2, 'cluster.controllers is 2, expected one of 1, 3, 5'],
    ['cluster.roles', 'both', 'cluster.roles is "both", expected one of combined, separate'],
    ['cluster.features', { elr: '1' }, 'cluster.features.elr is "1", expected a whole number from 0 to 1000'],
    ['cluster.topic.replicationFactor', 4, 'cluster.topic.replicationFactor is 4, expected a whole number from 1 to'],
    ['cluster.config', { a: 1 }, 'cluster.config.a is 1, expected text of at most 10000 characters'],
    ['cluster.topic.partitions', 1.5, 'cluster.topic.partitions is 1.5, expected a whole number from 1 to 100'],
    ['workload.kind', 'queue', 'workload.kind is "queue", expected append'],
    ['workload.producers', [], 'workload.producers is [], expected a list of 1 to 50 items'],
    [
      'workload.producers.0.client',
      'java',
      'workload.producers[0].client is "java", expected one of kafkajs, platformatic',
    ],
    ['workload.producers.0.sends', 'x', 'workload.producers[0].sends is "x", expected a list of 0 to 10000 items'],
    ['faults', null, 'faults is null, expected a list of 0 to 1000 items'],
    ['guarantees', ['all'], `guarantees[0] is "all", expected one of no-loss`],
    ['colour', 'red', 'colour is "red", expected one of the keys format, seed'],
  ])('refuses a wrong %s with one line', (path, value, message) => {
    expect(messageOf(change(path, value))).toContain(message)
  })

  it.each([
    [{ kind: 'fire', at: { ms: 1 }, forMs: 1 }, 'faults[0].kind is "fire", expected one of disconnect'],
    [{ kind: 'kill', at: { ms: -1 }, forMs: 1 }, 'faults[0].at.ms is -1, expected a whole number from 0 to 86400000'],
    [{ kind: 'kill', at: { ms: 1, nth: 2 }, forMs: 1 }, 'faults[0].at.nth is 2, expected one of the keys ms'],
    [
      { kind: 'kill', at: { disk: 'read', nth: 1 }, forMs: 1 },
      'faults[0].at.disk is "read", expected one of append, sync, truncate, rename, remove',
    ],
    [{ kind: 'kill', at: { request: 'Produce' }, forMs: 1 }, 'faults[0].at.nth is missing, expected a whole number'],
    [{ kind: 'kill', at: 5, forMs: 1 }, 'faults[0].at is 5, expected an object'],
    [
      { kind: 'kill', at: { ms: 1 }, forMs: 1, on: 'observer' },
      'faults[0].on is "observer", expected one of leader, follower, controller',
    ],
    [{ kind: 'kill', at: { ms: 1 }, forMs: 1, on: -1 }, 'faults[0].on is -1, expected a whole number from 0'],
    [{ kind: 'kill', at: { ms: 1 }, forMs: 1, nodes: 0 }, 'faults[0].nodes is 0, expected a whole number from 1 to 9'],
    [
      { kind: 'partition', at: { ms: 1 }, forMs: 1, shape: 'star' },
      'faults[0].shape is "star", expected one of two-way, one-way-in, one-way-out, isolate-one, majority-ring',
    ],
    [
      { kind: 'error-response', at: { ms: 1 }, forMs: 1, error: 'Produce OFFSET_OUT_OF_RANGE' },
      'faults[0].error is "Produce OFFSET_OUT_OF_RANGE", expected one of Produce NOT_LEADER_OR_FOLLOWER, ',
    ],
  ])('refuses the fault %o with one line', (fault, message) => {
    expect(messageOf(change('faults', [fault]))).toContain(message)
  })

  it('refuses what a client cannot do', () => {
    const producer = scenarioFromSeed('1-1', { client: 'kafkajs', idempotent: true }).workload.producers[0]

    const zstd = { kind: 'append', producers: [{ ...producer, compression: 'zstd' }] }
    expect(messageOf(change('workload', zstd))).toContain('compression is "zstd", expected one of none, gzip')
    const unsafe = { kind: 'append', producers: [{ ...producer, acks: 1 }] }
    expect(messageOf(change('workload', unsafe))).toContain('acks is 1, expected -1')
  })

  it('reads limits of memory, of clients that have them', () => {
    const options = { client: 'java-semantics', faults: ['full-producer-buffer', 'error-response'] } as const
    const scenarios = Array.from({ length: 50 }, (_, trial) => scenarioFromSeed(`8-${trial}`, options))

    expect(scenarios.map(scenario => parseScenario(JSON.parse(JSON.stringify(scenario))))).toEqual(scenarios)
    const limited = scenarios.flatMap(({ workload }) => workload.producers).find(producer => 'maxBlockMs' in producer)
    expect(limited?.bufferMemory).toBeGreaterThan(0)
    const kafkaJs = { kind: 'append', producers: [{ ...limited, client: 'kafkajs', compression: 'none' }] }
    expect(messageOf(change('workload', kafkaJs))).toContain('bufferMemory is')
  })

  it.each([[null], [7], ['text'], [[]]])('refuses %o instead of a scenario', json => {
    expect(messageOf(json)).toMatch(/^scenario is .*, expected an object$/)
  })

  it('is not fooled by inherited keys', () => {
    expect(messageOf(Object.create(written()))).toContain('format is missing')
  })

  it('says in one line where JSON is broken', () => {
    expect(() => parseJson('{"a": \n]', 'trial.json')).toThrow(ScenarioError)
    expect(() => parseJson('{"a": \n]', 'trial.json')).toThrow(/^trial\.json is .*, expected JSON \([^\n]*\)$/)
  })
})
