import { describe, it } from 'vitest'
import { holds } from './support/judge.ts'

describe('whatever happens to connections, processes, disks and queues', () => {
  it('KafkaJS producers keep every promise of their configuration', async () => {
    await holds({ client: 'kafkajs' }, 80, 201)
  })

  it('platformatic producers keep every promise of their configuration', async () => {
    await holds({ client: 'platformatic' }, 80, 202)
  })
})
