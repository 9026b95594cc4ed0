import { describe, expect, it } from 'vitest'
import { DisconnectedError } from '../../src/network/network-client-errors.ts'
import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { codeOf, within, writeNow } from '../world/support.ts'
import { leftBehind } from './soundness.ts'
import { onStage } from './stage.ts'

describe('disconnect', () => {
  it('resets the picked connection and leaves the others alone', async () => {
    await onStage(async stage => {
      const [first, second] = [await stage.connect(0), await stage.connect(1)]

      await stage.begin({ kind: 'disconnect', forMs: 0, pick: 1 })

      await expect(stage.ask(second)).rejects.toThrow(DisconnectedError)
      expect(await stage.ask(first)).toBeLessThan(10)
      expect(stage.story).toEqual([`resets connection ${stage.lastConnectionId} of app-1`])
      expect(stage.injected('disconnect')).toBe(1)
      expect(leftBehind(stage)).toEqual([])
    })
  })

  it.each(['disconnect', 'half-close', 'blackhole', 'stall-reader', 'full-send-buffer'] as const)(
    '%s that finds no connection does nothing and does not count',
    async kind => {
      await onStage(async stage => {
        await stage.begin({ kind, forMs: 100 })

        expect(stage.story).toEqual([])
        expect(stage.injected(kind)).toBe(0)
      })
    },
  )
})

describe('half-close', () => {
  it("ends the broker's direction with an odd pick: the client sees the end and can still write", async () => {
    await onStage(async stage => {
      const client = await stage.wire()
      const { server } = stage.lastConnection

      await stage.begin({ kind: 'half-close', forMs: 0, pick: 1 })

      expect(await client.awaitEnding()).toBe('end of stream')
      expect(server.closed).toBe(false)
      expect(writeNow(client.connection, 'more')).toBe(4)
      expect(stage.injected('half-close')).toBe(1)
    })
  })

  it("ends the client's direction with an even pick: the broker sees the end and closes", async () => {
    await onStage(async stage => {
      const client = await stage.wire()
      const { server } = stage.lastConnection

      await stage.begin({ kind: 'half-close', forMs: 0, pick: 0 })

      expect(writeNow(client.connection, 'more')).toBe('EPIPE')
      await client.awaitEnding()
      expect(server.closed).toBe(true)
    })
  })

  it('picks a connection by the rest of the number', async () => {
    await onStage(async stage => {
      await stage.connect(0)
      await stage.connect(1)

      await stage.begin({ kind: 'half-close', forMs: 0, pick: 3 })

      expect(stage.story).toEqual([`ends the broker's direction of connection ${stage.lastConnectionId} of app-1`])
    })
  })
})

describe('blackhole', () => {
  it('silences one connection while new ones work, and lets its bytes through at its end', async () => {
    await onStage(async stage => {
      const client = await stage.connect()

      await stage.begin({ kind: 'blackhole', forMs: 500 })
      const asked = stage.ask(client)

      expect(await within(stage.world, 400, asked)).toBe('pending')
      expect(await stage.ask(await stage.connect())).toBeLessThan(10)
      const tookMs = await asked
      expect(tookMs).toBeGreaterThanOrEqual(500)
      expect(tookMs).toBeLessThan(2000)
      expect(stage.injected('blackhole')).toBe(1)
      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('whose connection is gone at its end leaves nothing behind', async () => {
    await onStage(async stage => {
      const client = await stage.connect()

      await stage.begin({ kind: 'blackhole', forMs: 500 })
      client.close()
      await stage.world.sleep(1000)

      expect(leftBehind(stage)).toEqual([])
    })
  })
})

describe('refuse', () => {
  it('refuses new connections, and only those, until it ends', async () => {
    await onStage(async stage => {
      const client = await stage.connect()

      await stage.begin({ kind: 'refuse', forMs: 500 })

      expect(await codeOf(stage.connect())).toBe('ECONNREFUSED')
      expect(await stage.ask(client)).toBeLessThan(10)
      await stage.world.sleep(500)
      expect(await stage.ask(await stage.connect())).toBeLessThan(10)
      expect(stage.injected('refuse')).toBe(1)
      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('ends early when the machine boots anew', async () => {
    await onStage(async stage => {
      await stage.begin({ kind: 'refuse', forMs: 60_000 })
      await stage.begin({ kind: 'power-loss', forMs: 10 })
      await stage.world.sleep(20)
      await stage.running()

      expect(await stage.ask(await stage.connect())).toBeLessThan(10)
    })
  })
})

describe('stall-reader', () => {
  it("leaves answers with the network on the client's connections, and has them read at its end", async () => {
    await onStage(async stage => {
      const [client, other] = [await stage.connect(0), await stage.connect(1)]
      const { handled } = stage.gate.counts

      await stage.begin({ kind: 'stall-reader', forMs: 500 })
      const asked = stage.ask(client)

      expect(await within(stage.world, 400, asked)).toBe('pending')
      expect(stage.gate.counts.handled).toBe(handled + 1)
      expect(await stage.ask(other)).toBeLessThan(10)
      expect(await asked).toBeCloseTo(500, 0)
      expect(stage.injected('stall-reader')).toBe(1)
      expect(leftBehind(stage)).toEqual([])
    })
  })
})

describe('full-send-buffer', () => {
  it('takes no more than its bytes while the broker does not read, and everything at its end', async () => {
    await onStage(async stage => {
      const client = await stage.wire()
      const { client: endpoint } = stage.lastConnection

      await stage.begin({ kind: 'full-send-buffer', forMs: 500, amount: 10 })
      expect(endpoint.outPipe?.writableBytes).toBe(10)
      client.send(Metadata, 9, { topics: [] })
      expect(endpoint.outPipe?.writableBytes).toBe(0)
      await stage.world.sleep(400)

      expect(client.hasFrame).toBe(false)
      const tookMs = await stage.timed(() => client.receive(Metadata, 9))
      expect(tookMs).toBeGreaterThan(99)
      expect(tookMs).toBeLessThan(120)
      expect(endpoint.outPipe?.writableBytes).toBe(65_536)
      expect(stage.injected('full-send-buffer')).toBe(1)
      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('of a connection that broke meanwhile ends without harm', async () => {
    await onStage(async stage => {
      await stage.connect()

      await stage.begin({ kind: 'full-send-buffer', forMs: 500, amount: 10 })
      await stage.begin({ kind: 'disconnect', forMs: 0 })
      await stage.world.sleep(1000)

      expect(leftBehind(stage)).toEqual([])
      expect(await stage.ask(await stage.connect())).toBeLessThan(10)
    })
  })
})
