import { describe, expect, it } from 'vitest'
import { leftBehind } from '../faults/soundness.ts'
import { onStage } from '../faults/stage.ts'

describe('a fault triggered by time', () => {
  it('begins so long after the plan was armed, and ends after its time', async () => {
    await onStage(async stage => {
      await stage.world.sleep(1000)
      stage.arm({ kind: 'refuse', at: { ms: 100 }, forMs: 50 })

      await stage.world.sleep(99)
      expect(leftBehind(stage)).toEqual([])
      await stage.world.sleep(2)
      expect(leftBehind(stage)).toEqual(['connections are refused'])
      await stage.world.sleep(50)
      expect(leftBehind(stage)).toEqual([])
    })
  })
})

describe('a fault triggered by a request', () => {
  it('begins when the nth of its API has been handled', async () => {
    await onStage(async stage => {
      const client = await stage.connect()
      stage.arm({ kind: 'refuse', at: { request: 'Produce', nth: 2 }, forMs: 60_000 })

      await stage.produce(client)
      await stage.ask(client)
      expect(stage.injected('refuse')).toBe(0)
      await stage.produce(client)

      expect(stage.injected('refuse')).toBe(1)
    })
  })

  it('counts from the beginning of chaos', async () => {
    await onStage(async stage => {
      const client = await stage.connect()
      await stage.produce(client)
      stage.arm({ kind: 'refuse', at: { request: 'Produce', nth: 2 }, forMs: 60_000 })

      await stage.produce(client)
      expect(stage.injected('refuse')).toBe(0)
      await stage.produce(client)

      expect(stage.injected('refuse')).toBe(1)
    })
  })

  it('counts requests over the restarts of the broker', async () => {
    await onStage(async stage => {
      stage.arm(
        { kind: 'kill', at: { request: 'Produce', nth: 1 }, forMs: 10 },
        { kind: 'refuse', at: { request: 'Produce', nth: 2 }, forMs: 60_000 },
      )
      await stage.produce(await stage.connect()).catch(() => undefined)
      await stage.world.sleep(100)
      await stage.running()

      await stage.produce(await stage.connect())

      expect(stage.injected('refuse')).toBe(1)
    })
  })
})

describe('a fault triggered by a probe', () => {
  it('begins when the probe is hit for the first time, and once', async () => {
    await onStage(async stage => {
      const client = await stage.connect()
      stage.arm({ kind: 'clock-jump', at: { probe: 'produce-handled' }, forMs: 60_000, amount: 1000 })
      await stage.ask(client)
      expect(stage.injected('clock-jump')).toBe(0)

      await stage.produce(client)
      await stage.produce(client)

      expect(stage.injected('clock-jump')).toBe(1)
    })
  })

  it('begins at once when the probe has been hit before', async () => {
    await onStage(async stage => {
      await stage.produce(await stage.connect())

      stage.arm({ kind: 'refuse', at: { probe: 'produce-handled' }, forMs: 60_000 })
      await stage.world.sleep(1)

      expect(stage.injected('refuse')).toBe(1)
    })
  })
})

describe('healing the plan', () => {
  it.each([
    ['time', { ms: 200 }],
    ['a request', { request: 'Produce', nth: 1 }],
    ['a probe', { probe: 'produce-handled' }],
  ] as const)('keeps faults triggered by %s from beginning', async (_, at) => {
    await onStage(async stage => {
      const client = await stage.connect()
      stage.arm({ kind: 'refuse', at, forMs: 60_000 }, { kind: 'lose-response', at, forMs: 60_000 })

      stage.plan.heal()
      await stage.produce(client)
      await stage.world.sleep(1000)

      expect(stage.plan.injected).toEqual(new Map())
      expect(stage.story).toEqual([])
      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('ends a fault once, also when its time is over later', async () => {
    await onStage(async stage => {
      stage.arm({ kind: 'clock-jump', at: { ms: 0 }, forMs: 500, amount: 1000 })
      await stage.world.sleep(100)

      stage.plan.heal()
      await stage.world.sleep(1000)

      expect(stage.story).toEqual([
        'moves the wall clock of broker-1 by 1000 ms',
        'sets the wall clock of broker-1 right',
      ])
      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('ends a fault that the scenario has twice, twice', async () => {
    await onStage(async stage => {
      const fault = { kind: 'clock-jump', at: { ms: 0 }, forMs: 60_000, amount: 1000 } as const
      stage.arm(fault, fault)
      await stage.world.sleep(100)

      stage.plan.heal()

      expect(stage.injected('clock-jump')).toBe(2)
      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('does nothing when no fault was ever armed', async () => {
    await onStage(async stage => {
      stage.plan.heal()

      expect(leftBehind(stage)).toEqual([])
    })
  })
})
