import { describe, expect, it } from 'vitest'
import { firstViolation, holds } from './support/judge.ts'

const PROCESS_FAULTS = ['kill', 'restart', 'pause', 'disconnect'] as const

describe('acknowledged records', () => {
  it('survive every kill of the broker when KafkaJS asked for acks=all', async () => {
    await holds({ client: 'kafkajs', acks: -1, faults: PROCESS_FAULTS }, 40, 101)
  })

  it('survive every kill of the broker when KafkaJS asked for acks=1', async () => {
    await holds({ client: 'kafkajs', acks: 1, faults: PROCESS_FAULTS }, 40, 102)
  })

  it('survive every kill of the broker when platformatic asked for acks=all', async () => {
    await holds({ client: 'platformatic', acks: -1, faults: PROCESS_FAULTS }, 40, 103)
  })

  it("can be lost when the machine loses power with Kafka's default flush settings", async () => {
    const set = { 'log.flush.interval.messages': `${Number.MAX_SAFE_INTEGER}` }
    expect(
      await firstViolation({ client: 'kafkajs', acks: -1, faults: ['power-loss'], set }, 'no-loss', 40),
    ).toBeDefined()
  })

  it('survive every power loss with log.flush.interval.messages=1', async () => {
    const set = { 'log.flush.interval.messages': '1' }
    await holds({ client: 'kafkajs', faults: ['power-loss', 'kill'], set }, 60, 104)
  })
})
