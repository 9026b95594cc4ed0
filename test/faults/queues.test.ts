import { describe, expect, it } from 'vitest'
import { within } from '../world/support.ts'
import { leftBehind } from './soundness.ts'
import { onStage, type Stage } from './stage.ts'

function requestQueueSize({ broker }: Stage): number {
  return broker.server?.metrics.value('kafka.network:type=RequestChannel,name=RequestQueueSize') ?? Number.NaN
}

function backlog({ broker }: Stage): number {
  return broker.host.kernel.listeners.get(broker.port)?.waiting ?? Number.NaN
}

describe('full-request-queue', () => {
  it('fills the request queue to its bound, and everything is answered after its end', async () => {
    await onStage(
      async stage => {
        const client = await stage.connect()

        await stage.begin({ kind: 'full-request-queue', forMs: 500, amount: 20 })
        await stage.world.sleep(100)
        const asked = stage.ask(client)

        expect(requestQueueSize(stage)).toBe(3)
        expect(await within(stage.world, 390, asked)).toBe('pending')
        expect(await asked).toBeLessThan(600)
        await stage.world.sleep(100)
        expect(requestQueueSize(stage)).toBe(0)
        expect(stage.gate.inHand).toBe(0)
        expect(stage.queues.observations()[0]).toEqual({ name: 'RequestQueueSize', bound: 3, most: 3 })
        expect(stage.probes.counts.get('request-queue-full')).toBe(1)
        expect(stage.injected('full-request-queue')).toBe(1)
        expect(leftBehind(stage)).toEqual([])
        expect(stage.broker.host.kernel.endpoints.size).toBe(1)
      },
      { config: { 'queued.max.requests': '3' } },
    )
  })

  it('keeps one request in flight for each of the others, however small the pieces of the answers are', async () => {
    await onStage(async stage => {
      const { network } = stage.world
      for (const [from, to] of [['broker-1', 'others'] as const, ['others', 'broker-1'] as const]) {
        network.link(from, to).conditions.fragment = { probability: 1, maxBytes: 3 }
      }
      stage.gate.onStage = () => expect(stage.gate.inHand).toBeLessThanOrEqual(5)

      await stage.begin({ kind: 'full-request-queue', forMs: 50, amount: 5 })
      await stage.world.sleep(40)

      const undelivered = network.connections().map(({ client }) => client.outPipe?.undeliveredBytes ?? 0)
      expect(Math.max(...undelivered)).toBeLessThan(50)
    })
  })

  it('finds nothing to hit when no broker runs', async () => {
    await onStage(async stage => {
      await stage.begin({ kind: 'kill', forMs: 500 })
      await stage.begin({ kind: 'full-request-queue', forMs: 500, amount: 20 })

      expect(stage.injected('full-request-queue')).toBe(0)
      expect(stage.world.hosts.has('others')).toBe(false)
    })
  })

  it('of a broker that is killed meanwhile does not hold the next one back', async () => {
    await onStage(async stage => {
      await stage.begin({ kind: 'full-request-queue', forMs: 4000, amount: 20 })
      await stage.begin({ kind: 'kill', forMs: 100 })
      await stage.world.sleep(200)
      await stage.running()

      expect(await stage.ask(await stage.connect())).toBeLessThan(10)
      await stage.world.sleep(5000)
      expect(leftBehind(stage)).toEqual([])
    })
  })
})

describe('full-connection-queue', () => {
  it('fills the queues of new connections and the backlog, and all are accepted after its end', async () => {
    await onStage(
      async stage => {
        const client = await stage.connect()

        await stage.begin({ kind: 'full-connection-queue', forMs: 1500, amount: 100 })
        await stage.world.sleep(1100) // those whose first SYN found the backlog full have tried again by then
        const asked = stage.ask(client)

        expect(backlog(stage)).toBe(21)
        expect(await within(stage.world, 390, asked)).toBe('pending')
        expect(await asked).toBeLessThan(600)
        await stage.world.sleep(1000)
        expect(backlog(stage)).toBe(0)
        expect(stage.injected('full-connection-queue')).toBe(1)
        expect(leftBehind(stage)).toEqual([])
        expect(stage.broker.host.kernel.endpoints.size).toBe(1)
      },
      { config: { 'socket.listen.backlog.size': '20', 'num.network.threads': '1' } },
    )
  })
})
