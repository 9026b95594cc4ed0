import { describe, expect, it } from 'vitest'
import { promisedGuarantees } from '../../harness/explore/promised-guarantees.ts'
import type { ChurnOperation } from '../../harness/trial/churn-spec.ts'
import type { TrialResult } from '../../harness/trial/result.ts'
import { runTrial } from '../../harness/trial/run-trial.ts'
import type { Fault, Scenario } from '../../harness/trial/scenario.ts'
import { PRODUCER, scenarioOf } from '../checkers/support.ts'

const CHURN: readonly ChurnOperation[] = [
  { kind: 'create', atMs: 0, topic: 0, partitions: 2, replicationFactor: 2 },
  { kind: 'write', atMs: 1000, topic: 0, partition: 1, records: 4 },
  { kind: 'expand', atMs: 1200, topic: 0, partitions: 3 },
  { kind: 'reassign', atMs: 1400, topic: 0, partition: 1, replicas: [2, 0] },
  { kind: 'configure', atMs: 1600, topic: 0, key: 'segment.bytes', value: '1048576' },
  { kind: 'delete-records', atMs: 2500, topic: 0, partition: 1, offset: 2 },
  { kind: 'create', atMs: 0, topic: 1, partitions: 1, replicationFactor: 3 },
  { kind: 'create', atMs: 500, topic: 1, partitions: 1, replicationFactor: 3 },
  { kind: 'write', atMs: 1000, topic: 1, partition: 0, records: 3 },
  { kind: 'delete', atMs: 1500, topic: 1 },
  { kind: 'create', atMs: 1600, topic: 1, partitions: 1, replicationFactor: 1 },
  { kind: 'write', atMs: 2500, topic: 1, partition: 0, records: 1 },
]

function scenario(faults: readonly Fault[] = []): Scenario {
  const plain = scenarioOf([PRODUCER])
  const config = { 'auto.create.topics.enable': 'false', 'log.segment.delete.delay.ms': '1000' }
  const cluster = { ...plain.cluster, brokers: 3, config, topic: { ...plain.cluster.topic, replicationFactor: 3 } }
  const changed = { cluster, workload: { ...plain.workload, churn: CHURN }, faults }
  return { ...plain, ...changed, format: 4, guarantees: promisedGuarantees(changed) }
}

function toldOfAdmin({ story }: TrialResult): string[] {
  return story.filter(({ who }) => who === 'admin').map(({ text }) => text)
}

describe('a trial with administration', () => {
  it('does one thing after the other with a topic, is refused what cannot be, and tells it', async () => {
    const result = await runTrial(scenario())

    expect(result.failure).toBeUndefined()
    expect(result.violations).toEqual([])
    expect(result.probes.get('admin-acknowledged')).toBe(CHURN.length - 1)
    expect(result.probes.get('admin-refused')).toBe(1)
    const told = toldOfAdmin(result).filter(text => text.includes('churn-1'))
    expect(told.filter(text => !text.startsWith('begins to'))).toEqual([
      'is told that it is done: create churn-1 (partitions: 1, replicas: 3)',
      "is refused to create churn-1 (partitions: 1, replicas: 3) (TOPIC_ALREADY_EXISTS: Topic 'churn-1' already exists.)",
      'is told that it is done: write 3 to churn-1-0',
      'is told that it is done: delete churn-1',
      'is told that it is done: create churn-1 (partitions: 1, replicas: 1)',
      'is told that it is done: write 1 to churn-1-0',
    ])
  })

  it('keeps its promises while brokers and the controller die', async () => {
    const result = await runTrial(
      scenario([
        { kind: 'kill', at: { ms: 1100 }, forMs: 3000, on: 'controller' },
        { kind: 'kill', at: { ms: 1550 }, forMs: 2000, on: 2 },
      ]),
    )

    expect(result.failure).toBeUndefined()
    expect(result.violations).toEqual([])
    expect(toldOfAdmin(result).filter(text => text.startsWith('begins to'))).toHaveLength(CHURN.length)
  })
})
