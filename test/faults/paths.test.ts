import { describe, expect, it } from 'vitest'
import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { leftBehind } from './soundness.ts'
import { onStage } from './stage.ts'

describe('slow-link', () => {
  it("adds its latency each way to the picked client's path only, until it ends", async () => {
    await onStage(async stage => {
      const [slow, quick] = [await stage.connect(1), await stage.connect(0)]
      const usualMs = await stage.ask(slow)

      await stage.begin({ kind: 'slow-link', forMs: 1000, pick: 1, amount: 100 })
      const slowMs = await stage.ask(slow)

      expect(slowMs).toBeGreaterThan(usualMs + 199)
      expect(slowMs).toBeLessThan(usualMs + 330)
      expect(await stage.ask(quick)).toBeLessThan(10)
      await stage.world.sleep(1000)
      expect(await stage.ask(slow)).toBeCloseTo(usualMs, 1)
      expect(stage.injected('slow-link')).toBe(1)
      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('lets 20 kB through in a second', async () => {
    await onStage(async stage => {
      const client = await stage.connect()

      await stage.begin({ kind: 'slow-link', forMs: 5000, amount: 5 })

      const tookMs = await stage.produce(client, 20_000)
      expect(tookMs).toBeGreaterThan(1000)
      expect(tookMs).toBeLessThan(1100)
    })
  })
})

describe('fragment', () => {
  it('cuts what comes and goes into pieces of at most its size, until it ends', async () => {
    await onStage(async stage => {
      const { process } = stage.clients[0] as (typeof stage.clients)[number]
      const client = await stage.wire()
      const { inPipe } = stage.lastConnection.server
      const sizes: number[] = []
      stage.world.trace.data = (_timeUs, lane, kind, bytes) => {
        if (kind === 'deliver' && lane === inPipe?.lane.id) sizes.push(bytes.length)
      }
      const ask = async (): Promise<void> => {
        sizes.length = 0
        client.send(Metadata, 9, { topics: [] })
        await process.run(() => client.receive(Metadata, 9))
      }

      await stage.begin({ kind: 'fragment', forMs: 1000, amount: 7 })
      await ask()

      expect(sizes.length).toBeGreaterThan(2)
      expect(Math.max(...sizes)).toBeLessThanOrEqual(7)
      await stage.world.sleep(1000)
      await ask()
      expect(sizes).toHaveLength(1)
      expect(stage.injected('fragment')).toBe(1)
      expect(leftBehind(stage)).toEqual([])
    })
  })
})
