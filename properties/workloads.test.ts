import { describe, expect, it } from 'vitest'
import type { ExploreOptions } from '../harness/index.ts'
import { firstViolation, holds } from './support/judge.ts'

const SMALL: ExploreOptions = { brokers: 1, controllers: 1, faults: ['kill', 'restart', 'disconnect'] }

describe('records that are sent by key', () => {
  const keyed: ExploreOptions = { ...SMALL, workload: 'keyed', faults: ['kill', 'kill-client', 'zombie', 'disconnect'] }

  it('reach the sink in the order of each key across redeploys, kills and rebalances, with KafkaJS', async () => {
    await holds({ ...keyed, consumer: 'kafkajs', client: 'kafkajs', commit: 'after' }, 8, 401)
  })

  it("reach the sink in the order of each key with the Java client's semantics", async () => {
    await holds({ ...keyed, consumer: 'java-semantics', client: 'java-semantics', commit: 'after' }, 8, 402)
  })

  it('are in two partitions where platformatic chooses in its own way and others as the Java client', async () => {
    const guarantee = 'one-partition-per-key'
    const options: ExploreOptions = { ...keyed, faults: [], consumer: 'kafkajs', partitioner: 'own' }
    expect(await firstViolation({ ...options, require: [guarantee] }, guarantee, 60)).toBeDefined()
  })

  it('are in one partition where all choose as the Java client', async () => {
    const options: ExploreOptions = { ...keyed, faults: [], consumer: 'kafkajs', partitioner: 'java' }
    await holds({ ...options, require: ['one-partition-per-key'] }, 8, 403)
  })
})

describe('a group of three', () => {
  it.each(['kafkajs', 'java-semantics'] as const)(
    'of %s comes through rolling redeploys with no partition stuck',
    async consumer => {
      await holds({ ...SMALL, workload: 'redeploy', faults: [], consumer, client: 'kafkajs' }, 4, 404)
    },
  )
})

describe('topics that are created, changed, written to and deleted', () => {
  it('are what was acknowledged, while brokers and controllers die', async () => {
    const faults = ['kill', 'crash-leader', 'restart', 'partition', 'controlled-shutdown'] as const
    await holds({ workload: 'admin-churn', client: 'kafkajs', brokers: 3, faults }, 6, 405)
  })

  it('are what was acknowledged on one broker', async () => {
    await holds({ ...SMALL, workload: 'admin-churn', client: 'kafkajs' }, 10, 406)
  })
})
