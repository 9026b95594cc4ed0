import { EventEmitter } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { installUnmodified } from '../../harness/unmodified/install.ts'
import { DRAIN_NAMES, type DrainName } from '../../harness/world/drain.ts'
import { WorldError } from '../../harness/world/errors.ts'
import { inWorld } from './in-world.ts'

installUnmodified()

function fail(): never {
  throw new Error('planted')
}

/** Ways in which an application's error can get away from everybody. */
const ERRORS: Record<string, () => unknown> = {
  'a nextTick callback': () => process.nextTick(fail),
  'a microtask': () => queueMicrotask(fail),
  'a promise callback that nobody awaits': () => void Promise.resolve().then(fail),
  'an async function that nobody awaits': () =>
    void (async () => {
      await sleep(5)
      fail()
    })(),
  'a timer': () => setTimeout(fail, 5),
  'an immediate': () => setImmediate(fail),
  'an interval': () => setInterval(fail, 5),
  "an emitter's error event without listener": () =>
    process.nextTick(() => new EventEmitter().emit('error', new Error('planted'))),
  'a nextTick within a timer': () => setTimeout(() => process.nextTick(fail), 5),
  "a socket's handler": () => net.connect(1, 'nowhere').on('error', fail),
  "a socket's error event without listener": () => net.connect(1, 'nowhere').on('lookup', fail),
}

async function outcomeOf(body: () => unknown, drain: DrainName): Promise<unknown> {
  return inWorld(
    async world => {
      body()
      await world.sleep(100)
    },
    { drain },
  ).catch((error: unknown) => error)
}

describe('an error that nobody handles fails the trial and spares the process', () => {
  for (const drain of DRAIN_NAMES) {
    for (const [name, body] of Object.entries(ERRORS)) {
      test(`in ${name} (drain ${drain})`, async () => {
        const outcome = await outcomeOf(body, drain)

        expect(outcome).toBeInstanceOf(WorldError)
        expect(outcome).toMatchObject({ code: 'UNCAUGHT' })
        expect(String(outcome)).toMatch(/planted|ENOTFOUND/)
      })
    }

    test(`the next trial is not touched by the last one's error (drain ${drain})`, async () => {
      await outcomeOf(ERRORS['a nextTick callback'] ?? fail, drain)

      expect(await outcomeOf(() => 1, drain)).toBeUndefined()
    })
  }
})

describe('an error of a process that is watched crashes that process alone', () => {
  for (const [name, body] of Object.entries(ERRORS)) {
    test(`in ${name}`, async () => {
      const facts = await inWorld(async world => {
        const crashes: string[] = []
        const victim = world.host('victim').process()
        victim.onCrash = (_thread, error) => crashes.push(String(error))
        let rings = 0
        victim.run(() => {
          setInterval(() => rings++, 1)
          body()
        })
        await world.sleep(50)
        const atDeath = rings
        await world.sleep(50)
        return { crashes, alive: victim.alive, silent: rings === atDeath }
      })

      expect(facts).toMatchObject({ alive: false, silent: true })
      expect(facts.crashes).toHaveLength(1)
      expect(facts.crashes[0]).toMatch(/planted|ENOTFOUND/)
    })
  }

  test('what the dead process still stumbles over is nobody else’s error', async () => {
    const result = await inWorld(async world => {
      const victim = world.host('victim').process()
      victim.run(() => {
        void Promise.resolve().then(() => {
          victim.kill()
          process.nextTick(fail)
          fail()
        })
        setTimeout(fail, 1)
      })
      await world.sleep(50)
      return 'went on'
    })

    expect(result).toBe('went on')
  })
})

test('listeners that others have put on the process for uncaught errors are back after the trial', async () => {
  const names = ['uncaughtException', 'unhandledRejection'] as const
  const listeners = (): unknown[] => names.map(name => process.listeners(name as 'uncaughtException'))
  const before = listeners()

  await outcomeOf(() => 1, 'tick')
  await outcomeOf(fail, 'immediate')

  expect(listeners()).toEqual(before)
})

test('a test runner that swaps nextTick, and puts the wrong one back, does not open a hole', async () => {
  const installed = process.nextTick
  const swapped: unknown[] = []
  // The arguments count: Node hands over messages of other processes with nextTick, also those for the real test runner,
  // and it would wait for ever for one that arrived here and got lost.
  process.nextTick = ((callback: (...args: unknown[]) => void, ...args: unknown[]) => {
    swapped.push(callback)
    queueMicrotask(() => callback(...args))
  }) as typeof process.nextTick

  // At once: the runner swaps and puts back on its own account as soon as this test waits for something.
  const received: unknown[] = []
  const marker = (...args: unknown[]): void => void received.push(...args)
  process.nextTick(marker, 'a', 'message')
  const swappedAtOnce = [...swapped]
  const inside = await outcomeOf(ERRORS['a nextTick callback'] ?? fail, 'tick')
  process.nextTick = installed

  expect(inside).toMatchObject({ code: 'UNCAUGHT' })
  expect(swapped).not.toContain(fail)
  expect(swappedAtOnce).toEqual([marker])
  expect(received).toEqual(['a', 'message'])
})
