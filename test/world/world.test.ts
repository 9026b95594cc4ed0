import { describe, expect, test } from 'vitest'
import { DRAIN_NAMES } from '../../harness/world/drain.ts'
import { WorldError } from '../../harness/world/errors.ts'
import { World, type WorldOptions } from '../../harness/world/world.ts'
import { Condition } from '../../src/runtime/condition.ts'
import { Mutex } from '../../src/runtime/mutex.ts'

async function failureOf(run: Promise<unknown>): Promise<WorldError> {
  const error: unknown = await run.then(
    () => new Error('nothing failed'),
    (reason: unknown) => reason,
  )
  if (error instanceof WorldError) return error
  throw error
}

describe('events', () => {
  test('happen in the order of their times, and of their scheduling at one time', async () => {
    const world = new World({ seed: 'order' })
    const seen: string[] = []
    await world.run(async () => {
      const add = (name: string, timeUs: number) =>
        world.at(timeUs, world.mainLane, 'timer', () => seen.push(`${name} ${world.nowUs}`))
      for (const [name, timeUs] of Object.entries({ late: 300, first: 100, second: 100, early: 5, third: 100 })) {
        add(name, timeUs)
      }
      await world.sleep(1)
    })

    expect(seen).toEqual(['early 5', 'first 100', 'second 100', 'third 100', 'late 300'])
  })

  test('that are cancelled do not happen, and leave the order of the others as it is, however many they are', async () => {
    const world = new World({ seed: 'cancelled' })
    const seen: number[] = []
    const expected: number[] = []
    await world.run(async () => {
      const random = world.random('times')
      for (let index = 0; index < 5000; index++) {
        const timeUs = random.int(0, 2000)
        const event = world.at(timeUs, world.mainLane, 'timer', () => seen.push(timeUs))
        if (random.float() < 0.8) event.cancelled = true
        else expected.push(timeUs)
      }
      await world.sleep(3)
    })

    expect(seen).toEqual(expected.sort((a, b) => a - b))
    expect(world.statistics.events).toBe(expected.length + 2)
  })

  test('are kept in order by the heap however they come and however many there are', async () => {
    const world = new World({ seed: 'heap' })
    const times: number[] = []
    await world.run(async () => {
      const random = world.random('times')
      for (let index = 0; index < 5000; index++) {
        const timeUs = random.int(0, 2000)
        world.at(timeUs, world.mainLane, 'timer', () => times.push(world.nowUs))
      }
      await world.sleep(3)
    })

    expect(times).toHaveLength(5000)
    expect(times).toEqual([...times].sort((a, b) => a - b))
  })

  test('cannot happen in the past, and a time that is no number is refused', async () => {
    const world = new World({ seed: 'past' })
    const at = await world.run(async () => {
      await world.sleep(5)
      const happened = new Promise<number>(done => world.at(0, world.mainLane, 'timer', () => done(world.nowMs)))
      expect(() => world.at(Number.NaN, world.mainLane, 'timer', () => {})).toThrow(RangeError)
      return happened
    })

    expect(at).toBe(5)
  })

  test('let all promise callbacks they cause run before the next event', async () => {
    for (const drain of DRAIN_NAMES) {
      const world = new World({ seed: 'drain', drain })
      const seen: string[] = []
      await world.run(async () => {
        world.at(1, world.mainLane, 'timer', () => {
          seen.push('event 1')
          process.nextTick(() => seen.push('tick'))
          void (async () => {
            for (let step = 0; step < 3; step++) await null
            seen.push('promises')
          })()
        })
        world.at(1, world.mainLane, 'timer', () => seen.push('event 2'))
        await world.sleep(1)
      })

      expect(seen[0]).toBe('event 1')
      expect(seen[3]).toBe('event 2')
    }
  })

  test('of a cancelled timer do not happen', async () => {
    const world = new World({ seed: 'cancel' })
    let rang = false
    await world.run(async () => {
      const app = world.host('app').process()
      app.timers
        .after(1, () => {
          rang = true
        })
        .cancel()
      await world.sleep(5)
    })

    expect(rang).toBe(false)
  })
})

/** Threads that share a lock and a condition, with draws, timers, disk and network: something of everything. */
async function busyTrial(options: WorldOptions): Promise<{ readonly digest: string; readonly story: string }> {
  const world = new World(options)
  const story: string[] = []
  await world.run(async () => {
    const server = world.host('server').process()
    const client = world.host('client').process()
    const listener = await server.network.listen({ host: 'server', port: 1, backlog: 10 })
    const connection = await client.network.connect({ host: 'server', port: 1 })
    const lock = new Mutex(server, 'lock')
    const turn = new Condition(server, 'turn')
    const random = server.random.stream('busy')
    const file = await server.disk.open('log', { create: true })
    const threads = Array.from({ length: 4 }, (_, index) =>
      server.threads.start(`worker-${index}`, async () => {
        for (let round = 0; round < 5; round++) {
          await lock.runExclusive(async () => {
            story.push(`${index}.${round}`)
            await server.threads.spend(random.int(1, 50))
          })
          turn.signalAll()
          await turn.wait(random.int(1, 3))
        }
        await lock.runExclusive(() => file.append(Buffer.from(story.join())))
        connection.write(Buffer.from(`worker ${index} is done`))
      }),
    )
    await Promise.all(threads.map(({ done }) => done))
    await world.sleep(5)
    listener.accept()?.close()
  })
  return { digest: world.trace.digest(), story: story.join() }
}

describe('schedules', () => {
  test('the same seed gives the same digest, with either drain', async () => {
    for (const schedule of ['fifo', 'random'] as const) {
      const digests = [
        await busyTrial({ seed: 's', schedule }),
        await busyTrial({ seed: 's', schedule }),
        await busyTrial({ seed: 's', schedule, drain: 'immediate' }),
        await busyTrial({ seed: 's', schedule, drain: 'tick', trace: 'full' }),
        await busyTrial({ seed: 's', schedule, trace: 'compact' }),
      ].map(({ digest }) => digest)

      expect(new Set(digests).size).toBe(1)
    }
  })

  test('another seed gives another digest', async () => {
    expect((await busyTrial({ seed: 'a' })).digest).not.toBe((await busyTrial({ seed: 'b' })).digest)
  })

  test('a random schedule explores other interleavings with every seed; first-in-first-out has one', async () => {
    const stories = async (schedule: 'fifo' | 'random'): Promise<number> => {
      const seen = new Set<string>()
      for (let seed = 0; seed < 20; seed++) {
        const world = new World({ seed: `${seed}`, schedule })
        const story: number[] = []
        await world.run(async () => {
          const app = world.host('app').process()
          const threads = Array.from({ length: 5 }, (_, index) =>
            app.threads.start(`${index}`, async () => {
              story.push(index)
            }),
          )
          await Promise.all(threads.map(({ done }) => done))
        })
        seen.add(story.join())
      }
      return seen.size
    }

    expect(await stories('fifo')).toBe(1)
    expect(await stories('random')).toBeGreaterThan(10)
  })

  test('a random schedule shuffles lanes at one instant and keeps the order within each lane', async () => {
    const world = new World({ seed: 'lanes', schedule: 'random' })
    const seen: string[] = []
    await world.run(async () => {
      const lanes = Array.from({ length: 6 }, (_, index) => world.lane(`lane-${index}`, undefined))
      for (let step = 0; step < 5; step++) {
        for (const lane of lanes) world.at(1000, lane, 'timer', () => seen.push(`${lane.name} ${step}`))
      }
      await world.sleep(5)
    })

    const byLane = Map.groupBy(seen, entry => entry.split(' ')[0])
    for (const entries of byLane.values())
      expect(entries.map(entry => Number(entry.split(' ')[1]))).toEqual([0, 1, 2, 3, 4])
    expect([...byLane.keys()]).toHaveLength(6)
    expect([...byLane.keys()]).not.toEqual([...byLane.keys()].sort())
  })

  test('streams with different labels are independent, and a label always gives the same draws', () => {
    const world = new World({ seed: 'streams' })
    const draws = (label: string) => Array.from({ length: 5 }, () => world.random(label).int(0, 1_000_000))

    expect(draws('a')).toEqual(draws('a'))
    expect(draws('a')).not.toEqual(draws('b'))
  })
})

describe('a run ends with', () => {
  test('the result of the main program, and its statistics', async () => {
    const world = new World({ seed: 'end' })

    const result = await world.run(async () => {
      await world.sleep(1234.5)
      return 'done'
    })

    expect(result).toBe('done')
    expect(world.statistics).toMatchObject({ events: 2, virtualMs: 1234.5 })
    expect(world.running).toBe(false)
  })

  test('the error of the main program, as it is', async () => {
    const error = new Error('mine')

    await expect(new World({ seed: 'end' }).run(() => Promise.reject(error))).rejects.toBe(error)
  })

  test('DEADLOCK when nothing is left to happen, naming every thread, what it waits for, and since when', async () => {
    const world = new World({ seed: 'deadlock' })
    const failure = await failureOf(
      world.run(async () => {
        const broker = world.host('broker').process()
        const requests = new Condition(broker, 'RequestChannel.receive')
        broker.threads.start('handler-0', async () => {
          await broker.threads.spend(2500)
          await requests.wait()
        })
        await broker.threads.start('handler-1', async () => void (await requests.wait())).done
      }),
    )

    expect(failure.code).toBe('DEADLOCK')
    expect(failure.message).toContain('nothing is left to happen, but the trial still waits')
    expect(failure.message).toContain('broker/handler-0 waits for RequestChannel.receive since 2.500 ms')
    expect(failure.message).toContain('broker/handler-1 waits for RequestChannel.receive since 0.000 ms')
    expect(failure.atMs).toBe(2.5)
  })

  test('DEADLOCK when the thread that main waits for was killed', async () => {
    const world = new World({ seed: 'deadlock' })
    const failure = await failureOf(
      world.run(async () => {
        const app = world.host('app').process()
        const thread = app.threads.start('worker', async () => void (await new Condition(app, 'never').wait()))
        world.at(1000, world.mainLane, 'fault', () => app.kill())
        await thread.done
      }),
    )

    expect(failure.code).toBe('DEADLOCK')
    expect(failure.message).not.toContain('never')
  })

  test('EVENT_LIMIT when events never end', async () => {
    const world = new World({ seed: 'limit', maxEvents: 1000 })
    const failure = await failureOf(
      world.run(async () => {
        const again = (): void => void world.at(world.nowUs, world.mainLane, 'timer', again)
        again()
        await new Promise(() => {})
      }),
    )

    expect(failure.code).toBe('EVENT_LIMIT')
    expect(world.statistics.events).toBe(1000)
  })

  test('TIME_LIMIT when virtual time runs out, without running the event beyond it', async () => {
    const world = new World({ seed: 'limit', maxVirtualMs: 1000 })
    const failure = await failureOf(world.run(() => world.sleep(1001)))

    expect(failure.code).toBe('TIME_LIMIT')
    expect(world.nowMs).toBe(0)
  })

  test('ALREADY_RUNNING when it is asked to run twice', async () => {
    const world = new World({ seed: 'twice' })
    await world.run(() => Promise.resolve())

    expect((await failureOf(world.run(() => Promise.resolve()))).code).toBe('ALREADY_RUNNING')
  })

  test('the error of a thread, and later errors do not replace the first one', async () => {
    const world = new World({ seed: 'crash' })
    const run = world.run(async () => {
      const app = world.host('app').process()
      app.threads.start('one', () => Promise.reject(new Error('first')))
      app.threads.start('two', () => Promise.reject(new Error('second')))
      await world.sleep(10)
    })

    await expect(run).rejects.toThrow('first')
  })
})

test('a thousand threads in a world that is idle cost no events', async () => {
  const world = new World({ seed: 'idle' })
  await world.run(async () => {
    const app = world.host('app').process()
    const never = new Condition(app, 'never')
    for (let index = 0; index < 1000; index++) {
      app.threads.start(`${index}`, async () => void (await never.wait()))
    }
    await world.sleep(3_600_000)
  })

  expect(world.statistics.events).toBeLessThan(1010)
})

test('two worlds that run at the same time do not get into each other’s way', async () => {
  const digestOf = async (seed: string): Promise<string> => (await busyTrial({ seed, drain: 'immediate' })).digest
  const alone = [await digestOf('x'), await digestOf('y')]
  const before = process.listeners('unhandledRejection')

  const together = await Promise.all([digestOf('x'), digestOf('y')])

  expect(together).toEqual(alone)
  expect(process.listeners('unhandledRejection')).toEqual(before)
})
