import nodePerfHooks, { performance as importedPerformance } from 'node:perf_hooks'
import { hrtime as importedHrtime } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { installUnmodified } from '../../harness/unmodified/install.ts'
import { inWorld } from './in-world.ts'

const DateBefore = Date
installUnmodified()

const EPOCH_MS = Date.UTC(2026, 0, 1)

describe('Date reads the wall clock of the host', () => {
  test('in every way of asking for now', async () => {
    const times = await inWorld(async () => {
      await sleep(1500)
      const date = new Date()
      return [Date.now(), date.getTime(), Date.parse(Date()), date.toISOString()]
    })

    // Date() has whole seconds
    const now = EPOCH_MS + 1500
    expect(times).toEqual([now, now, EPOCH_MS + 1000, '2026-01-01T00:00:01.500Z'])
  })

  test('offsets and jumps show in Date and not in monotonic time', async () => {
    const [before, after] = await inWorld(async (_world, app) => {
      const read = (): number[] => [Date.now(), performance.now()]
      const first = read()
      app.host.clock.jump(-3_600_000)
      return [first, read()]
    })

    expect(before).toEqual([EPOCH_MS, 0])
    expect(after).toEqual([EPOCH_MS - 3_600_000, 0])
  })

  test('dates with arguments are as ever', async () => {
    const dates = await inWorld(async () => [
      new Date(0).getTime(),
      new Date('2020-02-02T00:00:00Z').getTime(),
      new Date(2020, 0, 1).getFullYear(),
      new Date(new Date(5)).getTime(),
      Date.UTC(2000, 0),
    ])

    expect(dates).toEqual([0, 1_580_601_600_000, 2020, 5, 946_684_800_000])
  })

  test('instanceof holds for dates of both sides, subclasses, clones and constructors', async () => {
    class Timestamp extends Date {
      seconds(): number {
        return this.getTime() / 1000
      }
    }
    const facts = await inWorld(async () => {
      const date = new Date()
      const stamp = new Timestamp()
      return [
        date instanceof Date,
        date instanceof DateBefore,
        new DateBefore(0) instanceof Date,
        structuredClone(date) instanceof Date,
        stamp instanceof Timestamp && stamp instanceof Date,
        stamp.seconds() === EPOCH_MS / 1000,
        date.constructor === Date,
        Date.name,
        Date.length,
        Object.prototype.toString.call(date),
      ]
    })

    expect(facts).toEqual([true, true, true, true, true, true, true, 'Date', 7, '[object Date]'])
  })
})

describe('monotonic time is that of the host', () => {
  test('performance.now, in every import style, and its origin', async () => {
    const times = await inWorld(async () => {
      await sleep(250)
      return [
        performance.now(),
        importedPerformance.now(),
        nodePerfHooks.performance.now(),
        performance.timeOrigin + performance.now(),
      ]
    })

    expect(times).toEqual([250, 250, 250, EPOCH_MS + 250])
  })

  test('process.hrtime, its difference, bigint and uptime', async () => {
    const times = await inWorld(async () => {
      await sleep(900)
      const start = process.hrtime()
      const startBig = process.hrtime.bigint()
      await sleep(200)
      return [start, process.hrtime(start), process.hrtime.bigint() - startBig, importedHrtime(), process.uptime()]
    })

    expect(times).toEqual([[0, 900_000_000], [0, 200_000_000], 200_000_000n, [1, 100_000_000], 1.1])
  })

  test('a clock that drifts shows in all of them', async () => {
    const times = await inWorld(async (world, app) => {
      app.host.clock.setDrift(500_000)
      await world.sleep(100)
      return [performance.now(), Date.now() - EPOCH_MS]
    })

    expect(times).toEqual([150, 150])
  })
})

describe('AbortSignal.timeout aborts in virtual time', () => {
  test('with the reason of Node', async () => {
    const facts = await inWorld(async world => {
      const signal = AbortSignal.timeout(5000)
      const before = signal.aborted
      await new Promise(done => signal.addEventListener('abort', done))
      return [before, signal.aborted, (signal.reason as DOMException).name, world.nowMs]
    })

    expect(facts).toEqual([false, true, 'TimeoutError', 5000])
  })

  test('together with AbortSignal.any', async () => {
    const at = await inWorld(async world => {
      const signal = AbortSignal.any([AbortSignal.timeout(300), AbortSignal.timeout(40)])
      await sleep(1000, undefined, { signal }).catch(() => {})
      return world.nowMs
    })

    expect(at).toBe(40)
  })
})

test('outside a trial time is real', async () => {
  const before = [Date.now(), performance.now(), process.uptime()]
  await inWorld(world => world.sleep(3_600_000))
  const after = [Date.now(), performance.now(), process.uptime()]

  expect((after[0] ?? 0) - (before[0] ?? 0)).toBeLessThan(3_600_000)
  expect(new Date()).toBeInstanceOf(DateBefore)
  expect((after[1] ?? 0) - (before[1] ?? 0)).toBeLessThan(3_600_000)
  expect(process.hrtime.bigint()).toBeGreaterThan(0n)
  expect(AbortSignal.timeout(1_000_000).aborted).toBe(false)
})
