import { AsyncLocalStorage } from 'node:async_hooks'
import nodeTimers, { setTimeout as importedSetTimeout } from 'node:timers'
import timersPromises, { setInterval as everyTick, scheduler, setTimeout as sleepFor } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { installUnmodified } from '../../harness/unmodified/install.ts'
import { World } from '../../harness/world/world.ts'
import { inWorld } from './in-world.ts'

const realSetTimeout = setTimeout
installUnmodified()

const captured = { setTimeout, promisified: promisify(setTimeout), promisifiedImmediate: promisify(setImmediate) }

/** Every way in which client libraries come by a timer; each waits 1000 ms. */
const STYLES: Record<string, () => Promise<unknown>> = {
  'global setTimeout': () => new Promise(done => setTimeout(done, 1000)),
  'globalThis.setTimeout': () => new Promise(done => globalThis.setTimeout(done, 1000)),
  'named import of node:timers': () => new Promise(done => importedSetTimeout(done, 1000)),
  'default import of node:timers': () => new Promise(done => nodeTimers.setTimeout(done, 1000)),
  'setTimeout captured before the trial': () => new Promise(done => captured.setTimeout(done, 1000)),
  'promisified before the trial': () => captured.promisified(1000),
  'promisified in the trial': () => promisify(setTimeout)(1000),
  'named import of node:timers/promises': () => sleepFor(1000),
  'default import of node:timers/promises': () => timersPromises.setTimeout(1000),
  'node:timers .promises': () => nodeTimers.promises.setTimeout(1000),
  'scheduler.wait': () => scheduler.wait(1000),
  'CommonJS require': () => new Promise(done => process.getBuiltinModule('timers').setTimeout(done, 1000)),
}

describe('a timer of any import style runs on virtual time', () => {
  for (const [style, wait] of Object.entries(STYLES)) {
    test(style, async () => {
      const elapsed = await inWorld(async world => {
        const before = world.nowMs
        await wait()
        return world.nowMs - before
      })

      expect(elapsed).toBe(1000)
    })
  }

  test('intervals go on until they are cleared, in callbacks and as an async iterator', async () => {
    const ticks = await inWorld(async world => {
      const seen: number[] = []
      await new Promise<void>(done => {
        const interval = setInterval(() => {
          seen.push(world.nowMs)
          if (seen.length < 3) return
          clearInterval(interval)
          done()
        }, 10)
      })
      for await (const value of everyTick(5, 'tick')) {
        seen.push(world.nowMs)
        if (seen.length === 5) return [...seen, value]
      }
      return seen
    })

    expect(ticks).toEqual([10, 20, 30, 35, 40, 'tick'])
  })

  test('immediates come before later timers and in order', async () => {
    const order = await inWorld(async world => {
      const seen: string[] = []
      setTimeout(() => seen.push('timer'), 1)
      setImmediate((name: string) => seen.push(name), 'immediate 1')
      setImmediate(() => seen.push('immediate 2'))
      await captured.promisifiedImmediate()
      await scheduler.yield()
      seen.push(`at ${world.nowMs}`)
      await sleepFor(5)
      return seen
    })

    expect(order).toEqual(['immediate 1', 'immediate 2', 'at 0', 'timer'])
  })
})

describe('a virtual timer behaves as one of Node', () => {
  test('arguments are passed, values of promises too', async () => {
    const result = await inWorld(async () => [
      await new Promise(done => setTimeout((...args: unknown[]) => done(args), 1, 'a', 2)),
      await sleepFor(1, 'value'),
    ])

    expect(result).toEqual([['a', 2], 'value'])
  })

  test('delays are cut to whole milliseconds of at least 1, and too long ones are 1', async () => {
    const delays = await inWorld(async world => {
      const measure = async (delay: unknown): Promise<number> => {
        const before = world.nowMs
        await new Promise<void>(done => setTimeout(() => done(), delay as number))
        return world.nowMs - before
      }
      return [
        await measure(undefined),
        await measure(-5),
        await measure(2.9),
        await measure('7'),
        await measure(2 ** 31),
      ]
    })

    expect(delays).toEqual([1, 1, 2, 7, 1])
  })

  test('clearTimeout takes the timer, its number, the number as a string, and nonsense', async () => {
    const fired = await inWorld(async () => {
      let count = 0
      const timers = Array.from({ length: 3 }, () => setTimeout(() => count++, 5))
      clearTimeout(timers[0])
      clearTimeout(Number(timers[1]))
      clearTimeout(String(Number(timers[2])))
      clearTimeout(undefined)
      clearTimeout(123_456)
      await sleepFor(10)
      return count
    })

    expect(fired).toBe(0)
  })

  test('refresh starts the delay again, also after the timer has fired, but not after it was cleared', async () => {
    const fired = await inWorld(async world => {
      const at: number[] = []
      const timer = setTimeout(() => at.push(world.nowMs), 10)
      await sleepFor(5)
      timer.refresh()
      await sleepFor(20)
      timer.refresh()
      await sleepFor(20)
      clearTimeout(timer)
      timer.refresh()
      await sleepFor(20)
      return at
    })

    expect(fired).toEqual([15, 35])
  })

  test('ref, unref, hasRef and disposal are there', async () => {
    const result = await inWorld(async () => {
      let fired = false
      const timer = setTimeout(() => {
        fired = true
      }, 1)
      const refs = [timer.hasRef(), timer.unref().hasRef(), timer.ref().hasRef()]
      timer[Symbol.dispose]()
      await sleepFor(5)
      return [...refs, fired]
    })

    expect(result).toEqual([true, false, true, false])
  })

  test('a callback that is no function is refused at once', async () => {
    const code = await inWorld(async () => {
      try {
        setTimeout('alert()' as never, 1)
      } catch (error) {
        return (error as NodeJS.ErrnoException).code
      }
      return 'accepted'
    })

    expect(code).toBe('ERR_INVALID_ARG_TYPE')
  })

  test('an aborted wait rejects with AbortError and leaves no timer', async () => {
    const result = await inWorld(async world => {
      const controller = new AbortController()
      const waiting = sleepFor(1000, undefined, { signal: controller.signal })
      setTimeout(() => controller.abort(), 3)
      const error: unknown = await waiting.catch((reason: unknown) => reason)
      const again: unknown = await sleepFor(1, undefined, { signal: controller.signal }).catch(
        (reason: unknown) => reason,
      )
      return [(error as Error).name, (again as NodeJS.ErrnoException).code, world.nowMs]
    })

    expect(result).toEqual(['AbortError', 'ABORT_ERR', 3])
  })

  test("the user's AsyncLocalStorage follows timers, intervals, refresh and promises", async () => {
    const storage = new AsyncLocalStorage<string>()
    const seen = await inWorld(async () => {
      const found: (string | undefined)[] = []
      let rounds = 0
      const timer = storage.run('request 1', () => setTimeout(() => found.push(storage.getStore()), 5))
      storage.run('request 2', () => {
        setImmediate(() => found.push(storage.getStore()))
        void sleepFor(2).then(() => found.push(storage.getStore()))
        const interval = setInterval(() => {
          found.push(storage.getStore())
          if (++rounds === 2) clearInterval(interval)
        }, 3)
        timer.refresh()
      })
      await sleepFor(20)
      return found
    })

    expect(seen).toEqual(['request 2', 'request 2', 'request 2', 'request 1', 'request 2'])
  })
})

describe('outside a trial timers are the real ones', () => {
  test('a timer made outside is a real one and rings', async () => {
    const timer = setTimeout(() => {}, 1)
    clearTimeout(timer)
    await new Promise(done => setTimeout(done, 1))

    const constructorOfReal = realSetTimeout(() => {}, 0)
    clearTimeout(constructorOfReal)
    expect(timer.constructor).toBe(constructorOfReal.constructor)
    expect(await sleepFor(1, 'real')).toBe('real')
  })

  test('what a finished trial left behind stays quiet for ever', async () => {
    let rang = 0
    const world = new World({ seed: 'left over' })
    let fromTheTrial: (() => void) | undefined
    await world.run(async () => {
      const app = world.host('app').process()
      app.run(() => {
        setInterval(() => rang++, 1)
        setTimeout(() => rang++, 50)
        void sleepFor(60).then(() => rang++)
        fromTheTrial = () => {
          setTimeout(() => rang++, 0)
          setImmediate(() => rang++)
        }
      })
      await world.sleep(10)
    })
    const atTheEnd = rang
    world
      .host('late')
      .process()
      .run(() => fromTheTrial?.())

    await new Promise(done => realSetTimeout(done, 30))

    expect(atTheEnd).toBeGreaterThan(5)
    expect(rang).toBe(atTheEnd)
  })
})

describe('timers belong to the process that made them', () => {
  test('a crashed process rings no more; another one goes on', async () => {
    const counts = await inWorld(async world => {
      const rings = { crashed: 0, alive: 0 }
      const crashed = world.host('a').process()
      const alive = world.host('b').process()
      crashed.run(() => setInterval(() => rings.crashed++, 10))
      alive.run(() => setInterval(() => rings.alive++, 10))
      await world.sleep(55)
      crashed.kill()
      await world.sleep(50)
      return rings
    })

    expect(counts).toEqual({ crashed: 5, alive: 10 })
  })

  test('a paused process rings late, in order, when it goes on', async () => {
    const rings = await inWorld(async world => {
      const at: string[] = []
      const app = world.host('other').process()
      app.run(() => {
        setTimeout(() => at.push(`a ${world.nowMs}`), 10)
        setTimeout(() => at.push(`b ${world.nowMs}`), 20)
        setTimeout(() => at.push(`c ${world.nowMs}`), 200)
      })
      app.pause()
      await world.sleep(100)
      app.resume()
      await world.sleep(150)
      return at
    })

    expect(rings).toEqual(['a 100', 'b 100', 'c 200'])
  })

  test('timers follow the clock of their host', async () => {
    const rang = await inWorld(async world => {
      const fast = world.host('fast', { clockDriftPpm: 1_000_000 }).process()
      return new Promise<number>(done => fast.run(() => setTimeout(() => done(world.nowMs), 100)))
    })

    expect(rang).toBe(50)
  })
})
