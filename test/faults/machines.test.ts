import { describe, expect, it } from 'vitest'
import { DisconnectedError } from '../../src/network/network-client-errors.ts'
import { codeOf, within } from '../world/support.ts'
import { leftBehind } from './soundness.ts'
import { onStage } from './stage.ts'

/** A broker that was killed runs again when its old session with the controller has ended. */
const RESTART_MS = 20_000

describe('kill', () => {
  it('ends the broker at once, and starts it again with what it had written', async () => {
    await onStage(async stage => {
      const client = await stage.connect()
      await stage.produce(client)

      await stage.begin({ kind: 'kill', forMs: 500 })

      expect(stage.broker.state).toBe('down')
      await expect(stage.ask(client)).rejects.toThrow(DisconnectedError)
      expect(await codeOf(stage.connect())).toBe('ECONNREFUSED')
      expect(await stage.running()).toBeGreaterThan(490)
      const [replica] = stage.broker.server?.inspect().replicas ?? []
      expect(replica).toMatchObject({ topic: 'records', logEndOffset: 1 })
      expect(stage.probes.counts.get('broker-unclean-restart')).toBe(1)
      expect(stage.injected('kill')).toBe(1)
      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('of a broker that is down does nothing and does not count', async () => {
    await onStage(async stage => {
      await stage.begin({ kind: 'kill', forMs: 500 })
      await stage.begin({ kind: 'kill', forMs: 60_000 })

      expect(await stage.running()).toBeLessThan(RESTART_MS)
      expect(stage.injected('kill')).toBe(1)
    })
  })
})

describe('power-loss', () => {
  it('ends the machine without a word to anybody, and boots it again', async () => {
    await onStage(async stage => {
      const client = await stage.connect()

      await stage.begin({ kind: 'power-loss', forMs: 500 })

      expect(stage.broker.host.up).toBe(false)
      expect(await within(stage.world, 400, stage.connect())).toBe('pending')
      await stage.running()
      expect(stage.broker.host.up).toBe(true)
      await expect(stage.ask(client)).rejects.toThrow(DisconnectedError)
      expect(stage.probes.counts.get('broker-unclean-restart')).toBe(1)
      expect(stage.injected('power-loss')).toBe(1)
      expect(leftBehind(stage)).toEqual([])
    })
  })
})

describe('restart', () => {
  it('shuts the broker down cleanly, and starts it again', async () => {
    await onStage(async stage => {
      await stage.begin({ kind: 'restart', forMs: 2000 })

      expect(stage.broker.state).toBe('stopping')
      await stage.world.sleep(1900)
      expect(stage.broker.state).toBe('down')
      await stage.running()
      expect(stage.probes.counts.has('broker-unclean-restart')).toBe(false)
      expect(stage.injected('restart')).toBe(1)
      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('that ends before the broker is down starts it as soon as it is', async () => {
    await onStage(async stage => {
      await stage.begin({ kind: 'restart', forMs: 0.01 })
      await stage.world.sleep(1)
      expect(stage.broker.state).toBe('stopping')

      await stage.running()

      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('leaves a broker alone that is starting', async () => {
    await onStage(async stage => {
      await stage.begin({ kind: 'kill', forMs: 0.001 })
      await stage.world.sleep(0.01)
      expect(stage.broker.state).toBe('starting')

      await stage.begin({ kind: 'restart', forMs: 60_000 })

      expect(await stage.running()).toBeLessThan(RESTART_MS)
      expect(stage.injected('restart')).toBe(0)
    })
  })
})

describe('pause', () => {
  it('stops the broker where it is, while its kernel takes what comes, and lets it go on', async () => {
    await onStage(async stage => {
      const client = await stage.connect()

      await stage.begin({ kind: 'pause', forMs: 500 })
      const asked = stage.ask(client)
      const connected = stage.connect()

      expect(await within(stage.world, 100, connected)).not.toBe('pending')
      expect(await within(stage.world, 390, asked)).toBe('pending')
      expect(await asked).toBeLessThan(510)
      expect(stage.injected('pause')).toBe(1)
      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('of a broker that is down does nothing and does not count', async () => {
    await onStage(async stage => {
      await stage.begin({ kind: 'kill', forMs: 500 })
      await stage.begin({ kind: 'pause', forMs: 60_000 })

      expect(await stage.running()).toBeLessThan(RESTART_MS)
      expect(stage.injected('pause')).toBe(0)
    })
  })
})

describe('slow-cpu', () => {
  it('makes everything the broker does take its factor longer, until it ends', async () => {
    await onStage(async stage => {
      const client = await stage.connect()
      const usualMs = await stage.ask(client)

      await stage.begin({ kind: 'slow-cpu', forMs: 3000, amount: 1000 })

      expect(await stage.ask(client)).toBeGreaterThan(usualMs + 10)
      await stage.world.sleep(3000)
      expect(await stage.ask(client)).toBeCloseTo(usualMs, 1)
      expect(stage.injected('slow-cpu')).toBe(1)
      expect(leftBehind(stage)).toEqual([])
    })
  })
})

describe('slow-disk', () => {
  it('makes appends wait for the disk its factor longer, until it ends', async () => {
    await onStage(async stage => {
      const client = await stage.connect()
      const usualMs = await stage.produce(client)

      await stage.begin({ kind: 'slow-disk', forMs: 3000, amount: 5000 })

      expect(await stage.produce(client)).toBeGreaterThan(usualMs + 30)
      await stage.world.sleep(3000)
      expect(await stage.produce(client)).toBeCloseTo(usualMs, 1)
      expect(stage.injected('slow-disk')).toBe(1)
      expect(leftBehind(stage)).toEqual([])
    })
  })
})

describe('full-disk', () => {
  it('makes a broker halt that writes, and starts it again with room', async () => {
    await onStage(async stage => {
      const client = await stage.connect()

      await stage.begin({ kind: 'full-disk', forMs: 1000 })
      await stage.produce(client).catch(() => undefined)
      await stage.world.sleep(500)

      expect(stage.broker.state).toBe('down')
      expect(stage.probes.counts.get('broker-halted')).toBe(1)
      await stage.running()
      expect(await stage.produce(await stage.connect())).toBeLessThan(100)
      expect(stage.crashes).toEqual([])
      expect(stage.injected('full-disk')).toBe(1)
      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('leaves a broker running that writes nothing', async () => {
    await onStage(async stage => {
      await stage.begin({ kind: 'full-disk', forMs: 1 })
      await stage.world.sleep(10)

      expect(leftBehind(stage)).toEqual([])
    })
  })

  it('is no excuse for a broker that crashes with another error', async () => {
    await onStage(async stage => {
      await stage.begin({ kind: 'full-disk', forMs: 1000 })
      const [process] = stage.broker.host.processes

      process?.threads.start('buggy', () => Promise.reject(new TypeError('undefined is not a function')))
      await stage.world.sleep(10)

      expect(stage.crashes).toEqual(['buggy: TypeError: undefined is not a function'])
    })
  })
})

describe('clock-jump', () => {
  it.each([7_200_000, -7_200_000])(
    "moves the broker's wall clock by %i ms and back, and no other clock",
    async byMs => {
      await onStage(async stage => {
        const { clock } = stage.broker.host
        const [client] = stage.clients
        const before = clock.monotonicMs()

        await stage.begin({ kind: 'clock-jump', forMs: 500, amount: byMs })

        expect(clock.wallMs() - (client?.host.clock.wallMs() ?? 0)).toBe(byMs)
        expect(clock.monotonicMs() - before).toBeCloseTo(0.001)
        await stage.world.sleep(500)
        expect(clock.wallMs()).toBe(client?.host.clock.wallMs())
        expect(stage.injected('clock-jump')).toBe(1)
        expect(leftBehind(stage)).toEqual([])
      })
    },
  )
})
