import { describe, expect, it } from 'vitest'
import { onStage } from '../faults/stage.ts'

const CONFIG = { 'queued.max.requests': '3', 'socket.listen.backlog.size': '20', 'num.network.threads': '1' }

describe('QueueWatch', () => {
  it('saw nothing in queues that were never used', async () => {
    await onStage(
      async stage => {
        expect(stage.queues.observations()[0]).toMatchObject({ bound: 3 })
        expect(stage.queues.observations()[1]).toEqual({ node: 1, name: 'listen backlog', bound: 21, most: 0 })
      },
      { config: CONFIG },
    )
  })

  it('counts a queue that fills once, however long it stays full, and again when it fills again', async () => {
    await onStage(
      async stage => {
        for (let time = 1; time <= 2; time++) {
          await stage.begin({ kind: 'full-request-queue', forMs: 300, amount: 20 })
          await stage.world.sleep(200)
          stage.queues.look()
          stage.queues.look()
          await stage.world.sleep(800)

          expect(stage.probes.counts.get('request-queue-full')).toBe(time)
        }
      },
      { config: CONFIG },
    )
  })

  it('notes the most that the backlog held, when it looks', async () => {
    await onStage(
      async stage => {
        await stage.begin({ kind: 'full-connection-queue', forMs: 1500, amount: 100 })
        await stage.world.sleep(1100)

        stage.queues.look()
        stage.queues.look()

        expect(stage.queues.observations()[1]).toEqual({ node: 1, name: 'listen backlog', bound: 21, most: 21 })
        expect(stage.probes.counts.get('acceptor-backlog-full')).toBe(1)
      },
      { config: CONFIG },
    )
  })

  it('has nothing to look at while the broker is down', async () => {
    await onStage(async stage => {
      await stage.begin({ kind: 'kill', forMs: 60_000 })

      stage.queues.look()

      expect(stage.queues.observations().map(({ most }) => most)).toEqual([expect.any(Number), 0])
    })
  })
})
