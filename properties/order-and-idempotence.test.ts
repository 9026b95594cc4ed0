import { describe, expect, it } from 'vitest'
import { firstViolation, holds } from './support/judge.ts'

const LOST_ANSWERS = ['lose-response', 'delay-response', 'disconnect', 'kill', 'blackhole'] as const

describe('KafkaJS without idempotence', () => {
  it('writes a record twice when the answer to the first request is lost', async () => {
    const options = {
      client: 'kafkajs',
      idempotent: false,
      acks: -1,
      faults: LOST_ANSWERS,
      require: ['no-duplicates'],
    } as const
    expect(await firstViolation(options, 'no-duplicates', 60)).toBeDefined()
  })

  it('lets records of overlapping sends change places', async () => {
    const options = {
      client: 'kafkajs',
      idempotent: false,
      sequential: false,
      faults: LOST_ANSWERS,
      require: ['order'],
    } as const
    expect(await firstViolation(options, 'order', 60)).toBeDefined()
  })

  it('keeps the order of sends that wait for one another', async () => {
    await holds(
      { client: 'kafkajs', idempotent: false, sequential: true, faults: LOST_ANSWERS, require: ['order'] },
      50,
      301,
    )
  })
})

describe('KafkaJS with idempotence, one send after the other', () => {
  it('neither repeats nor reorders a record', async () => {
    const require = ['no-duplicates', 'order'] as const
    await holds({ client: 'kafkajs', idempotent: true, sequential: true, faults: LOST_ANSWERS, require }, 60, 302)
  })
})

describe('platformatic with idempotence, one send after the other', () => {
  it('neither repeats nor reorders a record', async () => {
    const require = ['no-duplicates', 'order'] as const
    await holds({ client: 'platformatic', idempotent: true, sequential: true, faults: LOST_ANSWERS, require }, 60, 303)
  })
})
