import { describe, expect, test } from 'vitest'
import { World } from '../../harness/world/world.ts'
import { Condition } from '../../src/runtime/condition.ts'
import {
  codeOf,
  connected,
  dial,
  listen,
  PORT,
  readNow,
  STEADY_NETWORK,
  within,
  withPair,
  writeNow,
} from './support.ts'
import { pattern } from './tcp/streams.ts'

describe('the clocks of a machine', () => {
  test('agree with the world when nothing else is said', async () => {
    await withPair(async ({ world, server }) => {
      await world.sleep(1500.25)

      expect(server.clock.monotonicMs()).toBe(1500.25)
      expect(server.clock.wallMs()).toBe(Date.UTC(2026, 0, 1) + 1500)
    })
  })

  test('have an offset that only wall time shows', async () => {
    const world = new World({ seed: 'offset', epochMs: 1_000_000 })
    await world.run(async () => {
      const { clock } = world.host('behind', { clockOffsetMs: -300 }).process()
      await world.sleep(100)

      expect([clock.monotonicMs(), clock.wallMs()]).toEqual([100, 999_800])
    })
  })

  test('drift: both gain, and timers ring after the delay as this host counts it', async () => {
    const world = new World({ seed: 'drift', epochMs: 0 })
    await world.run(async () => {
      const fast = world.host('fast', { clockDriftPpm: 250_000 }).process()
      let rangAtMs = 0
      fast.timers.after(100, () => {
        rangAtMs = world.nowMs
      })
      await world.sleep(1000)

      expect(rangAtMs).toBe(80)
      expect(fast.clock.monotonicMs()).toBe(1250)
      expect(fast.clock.wallMs()).toBe(1250)
    })
  })

  test('never let a timer ring early, whatever the drift', async () => {
    const world = new World({ seed: 'never early' })
    await world.run(async () => {
      const random = world.random('drifts')
      const early: number[] = []
      for (let index = 0; index < 200; index++) {
        const app = world.host(`h${index}`, { clockDriftPpm: random.int(-400_000, 400_000) }).process()
        const [startedMs, delayMs] = [app.clock.monotonicMs(), random.int(0, 50_000) / 7]
        app.timers.after(delayMs, () => {
          if (app.clock.monotonicMs() < startedMs + delayMs) early.push(index)
        })
      }
      await world.sleep(20_000)

      expect(early).toEqual([])
    })
  })

  test('change their drift without a jump', async () => {
    await withPair(async ({ world, server: { clock, host } }) => {
      await world.sleep(100)
      host.clock.setDrift(1_000_000)
      const atChange = clock.monotonicMs()
      await world.sleep(100)
      host.clock.setDrift(0)
      await world.sleep(100)

      expect([atChange, clock.monotonicMs()]).toEqual([100, 400])
    })
  })

  test('refuse a drift that would stop or turn back time', () => {
    const { clock } = new World({ seed: 'stop' }).host('a')

    for (const ppm of [-1_000_000, -2_000_000, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => clock.setDrift(ppm)).toThrow(`not ${ppm}`)
    }
  })

  test('jump: wall time moves both ways, monotonic time and timers do not notice', async () => {
    await withPair(async ({ world, server: { clock, host, timers } }) => {
      let rangAtMs = 0
      timers.after(50, () => {
        rangAtMs = world.nowMs
      })
      const before = clock.wallMs()
      host.clock.jump(-5000)
      const back = clock.wallMs()
      host.clock.jump(8000)
      const forward = clock.wallMs()
      await world.sleep(100)

      expect([back - before, forward - before]).toEqual([-5000, 3000])
      expect([rangAtMs, clock.monotonicMs()]).toEqual([50, 100])
    })
  })
})

describe('the processor of a machine', () => {
  async function finishTimes(threads: number, host: { cores: number; slowness: number }): Promise<number[]> {
    const world = new World({ seed: 'cpu' })
    return world.run(async () => {
      const machine = world.host('app', { cores: host.cores })
      machine.cpuSlowness = host.slowness
      const app = machine.process()
      const finished: number[] = []
      const work = Array.from({ length: threads }, (_, index) =>
        app.threads.start(`${index}`, async () => {
          await app.threads.spend(1000)
          finished.push(world.nowMs)
        }),
      )
      await Promise.all(work.map(({ done }) => done))
      return finished
    })
  }

  test('serves as many threads at once as it has cores; the others wait', async () => {
    expect(await finishTimes(5, { cores: 2, slowness: 1 })).toEqual([1, 1, 2, 2, 3])
  })

  test('takes longer on a slow machine', async () => {
    expect(await finishTimes(3, { cores: 2, slowness: 10 })).toEqual([10, 10, 20])
  })

  test('is free again when the process that kept it busy has died', async () => {
    await withPair(async ({ world, server }) => {
      for (let index = 0; index < 4; index++) void server.threads.spend(60_000_000)
      await world.sleep(1)
      server.kill()
      const next = server.host.process()
      await next.threads.spend(1000)

      expect(world.nowMs).toBe(2)
    })
  })
})

describe('kill', () => {
  test('stops threads, timers and disk operations where they are; their promises never settle', async () => {
    await withPair(async ({ world, server }) => {
      const seen: string[] = []
      const note = (what: string) => () => seen.push(what)
      server.timers.after(5, note('timer'))
      server.threads.start('spender', () => server.threads.spend(5000).then(note('spend')).then())
      server.threads.start('sleeper', async () => {
        await new Condition(server, 'nap').wait(5)
        seen.push('wait')
      })
      server.disk.makeDirectory('logs').then(note('disk'), note('disk'))
      server.network.connect({ host: 'client', port: 1 }).then(note('network'), note('network'))
      world.at(10, world.mainLane, 'fault', () => server.kill())
      await world.sleep(5000)

      expect(seen).toEqual([])
      expect(server.alive).toBe(false)
    })
  })

  test('closes the sockets: peers see the end of the stream, or a reset where bytes were left unread', async () => {
    await withPair(async pair => {
      const { world, server } = pair
      const quiet = await connected(pair)
      const unread = await dial(pair)
      expect(quiet.listener.accept()).not.toBeNull()
      writeNow(quiet.server, 'last words')
      writeNow(unread, 'never read')
      await world.sleep(10)

      server.kill()
      await world.sleep(10)

      expect(readNow(quiet.client)).toEqual({ text: 'last words', state: 'end' })
      expect(readNow(unread)).toEqual({ text: '', state: 'ECONNRESET' })
      expect(await codeOf(dial(pair))).toBe('ECONNREFUSED')
    })
  })

  for (const death of ['kill', 'power loss'] as const)
    test(`(${death}) leaves the ports free for the next process, whatever the dead one still does`, async () => {
      await withPair(async pair => {
        const { world, server } = pair
        const listener = await listen(pair)
        if (death === 'kill') server.kill()
        else server.host.powerLoss()
        void server.network.listen({ host: 'server', port: PORT, backlog: 1 })
        const next = server.host.process()
        const again = await next.network.listen({ host: 'server', port: PORT, backlog: 1 })
        listener.close()
        await world.sleep(1)

        expect(await codeOf(dial(pair))).toBe('no failure')
        expect(again.accept()).not.toBeNull()
      })
    })

  test('of one process leaves the others on the machine alone', async () => {
    await withPair(async ({ world, server }) => {
      const other = server.host.process('sidecar')
      let rang = false
      other.timers.after(5, () => {
        rang = true
      })
      server.kill()
      await world.sleep(10)

      expect([rang, other.alive, [...server.host.processes]]).toEqual([true, true, [other]])
    })
  })

  test('in the middle of a thread: what that stumbles over afterwards is nobody’s error', async () => {
    await withPair(async ({ world, server }) => {
      server.threads.start('suicidal', async () => {
        server.kill()
        await null
        throw new Error('the socket is closed')
      })

      await world.sleep(10)
    })
  })

  test('is what an error does that leaves a thread, if somebody watches', async () => {
    await withPair(async ({ world, server }) => {
      const crashes: string[] = []
      server.onCrash = (thread, error) => crashes.push(`${thread}: ${error}`)
      server.threads.start('worker', async () => {
        await server.threads.spend(1)
        throw new Error('broken')
      })
      await world.sleep(1)

      expect(crashes).toEqual(['worker: Error: broken'])
      expect(server.alive).toBe(false)
    })
  })
})

describe('pause', () => {
  test('holds threads and timers back; resume lets them happen late, in order', async () => {
    await withPair(async ({ world, server }) => {
      const seen: string[] = []
      for (const delay of [5, 3, 200]) server.timers.after(delay, () => seen.push(`timer ${delay} at ${world.nowMs}`))
      server.threads.start('worker', async () => {
        await server.threads.spend(4000)
        seen.push(`worker at ${world.nowMs}`)
      })
      await world.sleep(1)
      server.pause()
      await world.sleep(99)
      expect(seen).toEqual([])
      server.resume()
      await world.sleep(200)

      expect(seen).toEqual(['timer 3 at 100', 'worker at 100', 'timer 5 at 100', 'timer 200 at 200'])
    })
  })

  test('does not stop the kernel: bytes are taken until the buffer is full, connections until the queue is', async () => {
    await withPair(async pair => {
      const { world, server } = pair
      const { client, server: accepted } = await connected(pair, { receiveBufferBytes: 3000, sendBufferBytes: 2000 })
      let told = 0
      accepted.onReady(() => told++)
      server.pause()
      let taken = 0
      for (let round = 0; round < 20; round++) {
        taken += writeNow(client, 'x'.repeat(1000)) as number
        await world.sleep(5)
      }
      const late = await dial(pair)
      const toldWhilePaused = told
      server.resume()
      await world.sleep(1)

      expect(taken).toBe(5000)
      expect(late.remote.port).toBe(PORT)
      expect(toldWhilePaused).toBe(0)
      expect(told).toBeGreaterThan(0)
      expect(readNow(accepted).text).toHaveLength(3000)
    })
  })

  test('and resume of a process that was killed meanwhile does nothing', async () => {
    await withPair(async ({ world, server }) => {
      let rang = false
      server.timers.after(1, () => {
        rang = true
      })
      server.pause()
      await world.sleep(5)
      server.kill()
      server.resume()
      await world.sleep(5)

      expect(rang).toBe(false)
    })
  })
})

describe('power loss', () => {
  test('is heard by nobody: connections stay as they are until the peer sends something after the next boot', async () => {
    await withPair(async pair => {
      const { world, server } = pair
      const silent = await connected(pair)
      const talking = await dial(pair)

      server.host.powerLoss()
      await world.sleep(60_000)
      expect(readNow(silent.client).state).toBe('open')
      expect(writeNow(talking, 'hello?')).toBe(6)
      await world.sleep(1000)
      expect(readNow(talking).state).toBe('open')
      server.host.process()
      await world.sleep(60_000)

      expect(readNow(silent.client).state).toBe('open')
      expect(readNow(talking).state).toBe('ECONNRESET')
      expect(writeNow(silent.client, 'hello?')).toBe(6)
      await world.sleep(10)
      expect(readNow(silent.client).state).toBe('ECONNRESET')
    })
  })

  test('is heard after the next boot even by a peer that could not send because the window was shut', async () => {
    await withPair(async pair => {
      const { world, server } = pair
      const { client } = await connected(pair)
      const crumb = pattern(10_000)
      while (writeNow(client, crumb) === crumb.length) await world.sleep(10) // nobody reads: the window shuts

      server.host.powerLoss()
      await world.sleep(2000)
      expect(readNow(client).state).toBe('open')
      server.host.process()
      await world.sleep(5000)

      expect(readNow(client).state).toBe('ECONNRESET')
    })
  })

  test('makes connections time out: attempts after two minutes, established ones when data stays unacknowledged', async () => {
    await withPair(async pair => {
      const { world, server } = pair
      const { client } = await connected(pair)
      writeNow(client, 'in the air')
      server.host.powerLoss()
      const startedMs = world.nowMs

      expect(await codeOf(dial(pair))).toBe('ETIMEDOUT')
      const attemptMs = world.nowMs - startedMs
      await world.sleep(880_000)

      expect(attemptMs).toBeGreaterThan(126_000)
      expect(attemptMs).toBeLessThan(128_000)
      expect(readNow(client).state).toBe('ETIMEDOUT')
    })
  })

  test('refuses connections after the boot until somebody listens, and a SYN sent again gets through then', async () => {
    await withPair(async pair => {
      const { world, server } = pair
      await listen(pair)
      server.host.powerLoss()
      const waiting = dial(pair)
      await world.sleep(500)
      const next = server.host.process()
      expect(await codeOf(dial(pair))).toBe('ECONNREFUSED')
      await next.network.listen({ host: 'server', port: PORT, backlog: 5 })

      expect(await codeOf(waiting)).toBe('no failure')
      expect(world.nowMs).toBeGreaterThan(1000)
    })
  })

  test('takes the processes with it, and a machine that is off can be cut off again without harm', async () => {
    await withPair(async ({ world, server }) => {
      server.host.powerLoss()
      server.host.powerLoss()

      expect([server.alive, server.host.up, server.host.processes.size]).toEqual([false, false, 0])
      server.host.boot()
      server.host.boot()
      expect(server.host.up).toBe(true)
      await world.sleep(1)
    })
  })

  test('of the machine that listens and connects to itself ends both ends', async () => {
    const world = new World({ seed: 'loopback', network: STEADY_NETWORK })
    await world.run(async () => {
      const app = world.host('app').process()
      await app.network.listen({ host: 'localhost', port: 1, backlog: 1 })
      const connection = await app.network.connect({ host: 'localhost', port: 1 })
      connection.write(Buffer.from('x'))
      app.host.powerLoss()

      expect(await within(world, 1000, Promise.resolve(world.network.connections().length))).toBe(0)
    })
  })
})
