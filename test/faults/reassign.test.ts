import { expect, it } from 'vitest'
import { runTrial } from '../../harness/index.ts'
import type { Scenario } from '../../harness/trial/scenario.ts'

/** The order to give the replica back is carried out while no broker has heard of the reassignment that it takes back. */
const GIVEN_BACK_AT_ONCE: Scenario = {
  format: 2,
  seed: '2028-842',
  schedule: 'pct',
  cluster: {
    brokers: 3,
    controllers: 3,
    roles: 'combined',
    config: {},
    topic: { name: 'records', partitions: 1, replicationFactor: 3, config: {} },
  },
  workload: {
    kind: 'append',
    producers: [
      {
        client: 'java-semantics',
        acks: -1,
        idempotent: true,
        maxInFlight: null,
        retries: 100,
        requestTimeoutMs: 1000,
        compression: 'gzip',
        sequential: false,
        renewAfterError: false,
        sends: [{ atMs: 2868, partition: 0, records: 2, bytes: 1353 }],
      },
    ],
  },
  faults: [
    { kind: 'partition', at: { ms: 1379 }, forMs: 12_699, shape: 'one-way-out', pick: 5, on: 'leader' },
    { kind: 'reassign', at: { ms: 2778 }, forMs: 1318, pick: 5 },
    { kind: 'restart', at: { ms: 6056 }, forMs: 142, pick: 5, on: 'leader' },
  ],
  guarantees: ['cluster-recovers'],
}

it('a reassignment that is taken back before any broker has heard of it leaves the partition all its replicas', async () => {
  const { failure, violations } = await runTrial(GIVEN_BACK_AT_ONCE)

  expect(failure).toBeUndefined()
  expect(violations).toEqual([])
})
