import { afterEach, expect, it, vi } from 'vitest'
import { runTrial } from '../../harness/index.ts'
import type { Scenario } from '../../harness/trial/scenario.ts'
import { UnifiedLog } from '../../src/log/unified-log.ts'

const SCENARIO: Scenario = {
  format: 2,
  seed: 'fetching-failed',
  schedule: 'random',
  cluster: {
    brokers: 2,
    controllers: 1,
    roles: 'combined',
    config: {},
    topic: { name: 'records', partitions: 1, replicationFactor: 2, config: {} },
  },
  workload: {
    kind: 'append',
    producers: [
      {
        client: 'java-semantics',
        acks: 1,
        idempotent: false,
        maxInFlight: null,
        retries: 5,
        requestTimeoutMs: 3000,
        compression: 'none',
        sequential: true,
        renewAfterError: false,
        sends: [{ atMs: 0, partition: 0, records: 1, bytes: 100 }],
      },
    ],
  },
  faults: [],
  guarantees: ['no-loss'],
}

afterEach(() => {
  vi.restoreAllMocks()
})

it('a partition that is fetched no more for a reason nobody has thought of ends a trial with it', async () => {
  vi.spyOn(UnifiedLog.prototype, 'appendAsFollower').mockImplementation(() => {
    throw new TypeError('what is planted here')
  })

  const { failure } = await runTrial(SCENARIO)

  expect(failure?.kind).toBe('crash')
  expect(failure?.message).toMatch(
    /^broker-\d crashed in thread that fetches records-0: TypeError: what is planted here/,
  )
})
