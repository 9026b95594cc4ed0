import { describe, expect, it } from 'vitest'
import type { ExploreOptions } from '../harness/index.ts'
import { firstViolation, holds } from './support/judge.ts'

const OF_APPLICATIONS = ['kill-client', 'pause-client', 'zombie', 'disconnect'] as const
const SMALL: ExploreOptions = {
  workload: 'group',
  client: 'kafkajs',
  brokers: 1,
  controllers: 1,
  faults: OF_APPLICATIONS,
}

describe('a consumer group', () => {
  it('loses records when KafkaJS commits before it processes', async () => {
    const options: ExploreOptions = { ...SMALL, consumer: 'kafkajs', commit: 'before', require: ['at-least-once'] }
    expect(await firstViolation(options, 'at-least-once', 100)).toBeDefined()
  })

  it('processes records again when KafkaJS commits after it has processed', async () => {
    const options: ExploreOptions = { ...SMALL, consumer: 'kafkajs', commit: 'after', require: ['at-most-once'] }
    expect(await firstViolation(options, 'at-most-once', 100)).toBeDefined()
  })

  it('has every effect exactly once when KafkaJS commits afterwards and the sink is idempotent', async () => {
    await holds({ ...SMALL, consumer: 'kafkajs', commit: 'after', sink: 'idempotent' }, 6, 301)
  })

  it("has every effect exactly once with the Java client's semantics and an idempotent sink", async () => {
    await holds({ ...SMALL, consumer: 'java-semantics', commit: 'after', sink: 'idempotent' }, 12, 302)
  })

  it('keeps every promise when brokers and their coordinators die', async () => {
    const faults = ['kill', 'crash-leader', 'restart', 'kill-client', 'lose-response'] as const
    await holds({ workload: 'group', consumer: 'java-semantics', client: 'kafkajs', brokers: 3, faults }, 6, 303)
  })
})
