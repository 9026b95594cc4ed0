import { describe, expect, it } from 'vitest'
import type { MemberSpec, Redeploy } from '../../harness/trial/group-spec.ts'
import { runTrial } from '../../harness/trial/run-trial.ts'
import type { Scenario } from '../../harness/trial/scenario.ts'
import { GROUP } from '../checkers/group-support.ts'
import { PRODUCER, scenarioOf } from '../checkers/support.ts'

function member(...redeploys: readonly Redeploy[]): MemberSpec {
  return { startMs: 0, instanceId: null, redeploys }
}

/** In which a member that closes its consumer in the middle of a rebalance asks to join until its connection is closed. */
function redeployed(): Scenario {
  const plain = scenarioOf([{ ...PRODUCER, acks: 1, sends: [] }], ['group-converges'])
  const group = {
    ...GROUP,
    client: 'platformatic',
    assignor: 'cooperative-sticky',
    commit: 'auto',
    handlerMs: 0,
    sessionTimeoutMs: 7898,
    rebalanceTimeoutMs: 31_592,
    heartbeatIntervalMs: 1316,
    members: [
      member(),
      member({ atMs: 5322, how: 'kill', forMs: 0 }),
      member({ atMs: 7140, how: 'kill', forMs: 0 }, { atMs: 14_497, how: 'close', forMs: 0 }),
    ],
  } as const
  return {
    ...plain,
    format: 3,
    seed: 'r1-19',
    cluster: {
      ...plain.cluster,
      brokers: 2,
      config: { 'group.initial.rebalance.delay.ms': '500' },
      topic: { ...plain.cluster.topic, partitions: 4 },
    },
    workload: { ...plain.workload, groups: [group] },
  }
}

describe('a platformatic consumer', () => {
  it('that cannot join again while it is being closed does not take its process with it', async () => {
    const { failure, violations } = await runTrial(redeployed())

    expect(failure).toBeUndefined()
    expect(violations).toEqual([])
  })
})
