import { describe, expect, it } from 'vitest'
import { DisconnectedError } from '../../src/network/network-client-errors.ts'
import { within } from '../world/support.ts'
import { leftBehind } from './soundness.ts'
import { onStage } from './stage.ts'

describe('lose-response', () => {
  it('handles the nth request of its trigger, never answers it, and resets its connection at its end', async () => {
    await onStage(async stage => {
      const [client, other] = [await stage.connect(0), await stage.connect(1)]
      stage.arm({ kind: 'lose-response', at: { request: 'Metadata', nth: 2 }, forMs: 500 })

      expect(await stage.ask(client)).toBeLessThan(10)
      const lost = stage.timed(() => stage.ask(client).catch(error => error))

      expect(await within(stage.world, 490, lost)).toBe('pending')
      expect(stage.gate.counts.handled).toBe(stage.gate.counts.received)
      expect(await stage.ask(other)).toBeLessThan(10)
      expect(await lost).toBeLessThan(510)
      await expect(stage.ask(client)).rejects.toThrow(DisconnectedError)
      expect(stage.injected('lose-response')).toBe(1)
      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('armed by time loses the first answer to a Produce request', async () => {
    await onStage(async stage => {
      const client = await stage.connect()

      await stage.begin({ kind: 'lose-response', forMs: 500 })
      expect(await stage.ask(client)).toBeLessThan(10)
      const lost = stage.produce(client)

      await expect(lost).rejects.toThrow(DisconnectedError)
      expect(stage.probes.counts.get('produce-answer-lost')).toBe(1)
      expect(await stage.produce(await stage.connect())).toBeLessThan(100)
      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('armed by time that meets no request ends without a trace and does not count', async () => {
    await onStage(async stage => {
      await stage.begin({ kind: 'lose-response', forMs: 500 })
      await stage.world.sleep(501)

      expect(await stage.produce(await stage.connect())).toBeLessThan(100)
      expect(stage.story).toEqual([])
      expect(stage.injected('lose-response')).toBe(0)
    })
  })

  it('whose time is not over when all faults are healed ends with them', async () => {
    await onStage(async stage => {
      const client = await stage.connect()
      stage.arm({ kind: 'lose-response', at: { request: 'Metadata', nth: 1 }, forMs: 60_000 })
      const lost = stage.ask(client)
      await stage.world.sleep(100)

      stage.plan.heal()

      await expect(lost).rejects.toThrow(DisconnectedError)
      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('of a broker that is killed meanwhile resets nothing', async () => {
    await onStage(async stage => {
      const client = await stage.connect()
      stage.arm({ kind: 'lose-response', at: { request: 'Metadata', nth: 1 }, forMs: 5000 })
      const lost = stage.ask(client).catch((error: unknown) => error)
      await stage.world.sleep(100)
      await stage.begin({ kind: 'kill', forMs: 500 })
      await stage.world.sleep(500)
      await stage.running()
      const later = await stage.connect()
      await stage.world.sleep(5000)

      expect(await lost).toBeInstanceOf(DisconnectedError)
      expect(await stage.ask(later)).toBeLessThan(10)
    })
  })
})

describe('delay-response', () => {
  it('delays the nth answer of its trigger and no other', async () => {
    await onStage(async stage => {
      const client = await stage.connect()
      const usualMs = await stage.ask(client)
      stage.arm({ kind: 'delay-response', at: { request: 'Metadata', nth: 2 }, forMs: 5000, amount: 300 })

      expect(await stage.ask(client)).toBeCloseTo(usualMs, 0)
      expect(await stage.ask(client)).toBeCloseTo(usualMs + 300, 0)
      expect(await stage.ask(client)).toBeCloseTo(usualMs, 0)
      expect(stage.injected('delay-response')).toBe(1)
      stage.plan.heal()
      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('armed by time delays every answer to a Produce request until it ends, and counts once', async () => {
    await onStage(async stage => {
      const client = await stage.connect()
      const usualMs = await stage.produce(client)

      await stage.begin({ kind: 'delay-response', forMs: 1000, amount: 300 })

      expect(await stage.produce(client)).toBeCloseTo(usualMs + 300, 0)
      expect(await stage.produce(client)).toBeCloseTo(usualMs + 300, 0)
      await stage.world.sleep(1000)
      expect(await stage.produce(client)).toBeCloseTo(usualMs, 0)
      expect(stage.injected('delay-response')).toBe(1)
      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('that finds another rule first leaves the answer to it', async () => {
    await onStage(async stage => {
      const client = await stage.connect()
      stage.arm(
        { kind: 'lose-response', at: { request: 'Metadata', nth: 1 }, forMs: 100 },
        { kind: 'delay-response', at: { request: 'Metadata', nth: 1 }, forMs: 100, amount: 300 },
      )

      await expect(stage.ask(client)).rejects.toThrow(DisconnectedError)

      expect(stage.injected('lose-response')).toBe(1)
      expect(stage.injected('delay-response')).toBe(0)
    })
  })
})
