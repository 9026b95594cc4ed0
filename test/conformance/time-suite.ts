import { describe, expect, test } from 'vitest'
import type { Hosts, HostUnderTest } from './host-under-test.ts'
import { sleep } from './peer.ts'

/** What every host's clock, timers, threads and randomness do, in one body of tests. */
export function describeTime(name: string, makeHost: () => HostUnderTest): void {
  const on = (title: string, body: (hosts: Hosts) => Promise<void>) => test(title, () => makeHost().run(body))

  describe(`time and threads of ${name}`, () => {
    on('a timer rings once and never early, with fractions of a millisecond too', async ({ server }) => {
      const early: number[] = []
      let rings = 0
      const started = server.clock.monotonicMs()
      for (const delayMs of [0, 0.3, 1, 1.5, 7.25, 20]) {
        server.timers.after(delayMs, () => {
          rings += 1
          if (server.clock.monotonicMs() < started + delayMs) early.push(delayMs)
        })
      }

      await sleep(server, 200)

      expect(early).toEqual([])
      expect(rings).toBe(6)
    })

    on('a timer never rings inside the call that sets it', async ({ server }) => {
      let rang = false
      server.timers.after(0, () => {
        rang = true
      })

      expect(rang).toBe(false)
      await sleep(server, 20)
      expect(rang).toBe(true)
    })

    on('a cancelled timer does not ring, and cancelling again or late is fine', async ({ server }) => {
      const rung: string[] = []
      const cancelled = server.timers.after(10, () => rung.push('cancelled'))
      const rings = server.timers.after(10, () => rung.push('rings'))
      const atOnce = server.timers.after(0, () => rung.push('at once'))
      cancelled.cancel()
      cancelled.cancel()
      atOnce.cancel()

      await sleep(server, 100)
      rings.cancel()

      expect(rung).toEqual(['rings'])
    })

    on('a timer for longer than a month does not ring now', async ({ server }) => {
      let rang = false
      const timer = server.timers.after(40 * 86_400_000, () => {
        rang = true
      })

      await sleep(server, 50)
      timer.cancel()

      expect(rang).toBe(false)
    })

    on('a thread starts after the call that starts it, and done tells when it has ended', async ({ server }) => {
      const steps: string[] = []
      const thread = server.threads.start('worker', async () => {
        steps.push('body')
        await server.threads.spend(10)
        await sleep(server, 5)
        steps.push('end')
      })
      steps.push('started')

      await thread.done

      expect(steps).toEqual(['started', 'body', 'end'])
      expect(thread.name).toBe('worker')
    })

    on('a parked thread goes on after unpark, never inside it, and once', async ({ server }) => {
      const parker = server.threads.park('test')
      let resumed = 0
      const thread = server.threads.start('sleeper', async () => {
        await parker.parked
        resumed += 1
      })
      await sleep(server, 10)

      parker.unpark()
      parker.unpark()
      expect(resumed).toBe(0)
      await thread.done

      expect(resumed).toBe(1)
    })

    on('a thread that is unparked before it waits does not wait', async ({ server }) => {
      const parker = server.threads.park('test')

      parker.unpark()
      await parker.parked
    })

    on('the clocks go forward and wall time is whole milliseconds', async ({ server }) => {
      const [monotonic, wall] = [server.clock.monotonicMs(), server.clock.wallMs()]

      await sleep(server, 20)

      expect(server.clock.monotonicMs() - monotonic).toBeGreaterThanOrEqual(20)
      expect(server.clock.wallMs()).toBeGreaterThan(wall)
      expect(Number.isInteger(wall)).toBe(true)
    })

    on('draws keep to their range', async ({ server }) => {
      const stream = server.random.stream('test')
      const seen = new Set<number>()
      for (let draw = 0; draw < 1000; draw += 1) {
        const fraction = stream.float()
        expect(fraction >= 0 && fraction < 1).toBe(true)
        seen.add(stream.int(-1, 1))
      }

      expect([...seen].sort()).toEqual([-1, 0, 1])
      expect(stream.bytes(33).length).toBe(33)
      expect(stream.bytes(33).equals(stream.bytes(33))).toBe(false)
    })
  })
}
