import { describe, expect, it } from 'vitest'
import { Flood } from '../../harness/faults/flood.ts'
import { within } from '../world/support.ts'
import { leftBehind } from './soundness.ts'
import { onStage, type Stage } from './stage.ts'

/** A Metadata request of the others with its size. */
const REQUEST_BYTES = 30

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
        expect(stage.queues.observations()[0]).toEqual({ node: 1, name: 'RequestQueueSize', bound: 3, most: 3 })
        expect(stage.probes.counts.get('request-queue-full')).toBe(1)
        expect(stage.injected('full-request-queue')).toBe(1)
        expect(leftBehind(stage)).toEqual([])
        expect(stage.socketsWithOthers).toBe(1)
      },
      { config: { 'queued.max.requests': '3' } },
    )
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
        expect(stage.socketsWithOthers).toBe(1)
      },
      { config: { 'socket.listen.backlog.size': '20', 'num.network.threads': '1' } },
    )
  })
})

describe('a flood of requests', () => {
  it('keeps one request of each connection in flight, however small the pieces are in which the answers come', async () => {
    await onStage(async stage => {
      const { network } = stage.world
      for (const [from, to] of [['broker-1', 'others'] as const, ['others', 'broker-1'] as const]) {
        network.link(from, to).conditions.fragment = { probability: 1, maxBytes: 3 }
      }
      const before = stage.gate.counts.received

      const flood = new Flood(stage.world, stage.broker, 5, true)
      await stage.world.sleep(300)

      expect(stage.gate.counts.received - before).toBeGreaterThan(50)
      const fromOthers = network.connections().filter(({ client }) => client.kernel.host.name === 'others')
      const waiting = fromOthers.map(({ server }) => server.receivedBytes)
      expect(Math.max(...waiting)).toBeLessThan(REQUEST_BYTES)
      flood.end()
      await stage.world.sleep(100)
      expect(stage.socketsWithOthers).toBe(0)
    })
  })

  it('outlives a broker that goes away with requests that it has not read', async () => {
    await onStage(async stage => {
      const flood = new Flood(stage.world, stage.broker, 50, true)
      await stage.world.sleep(10)
      await stage.begin({ kind: 'pause', forMs: 60_000 })
      await stage.world.sleep(10)
      await stage.begin({ kind: 'kill', forMs: 60_000 })
      await stage.world.sleep(100)

      flood.end()

      expect(stage.world.hosts.get('others')?.kernel.endpoints.size).toBe(0)
    })
  })
})
