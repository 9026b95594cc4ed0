import { describe, expect, test } from 'vitest'
import { findDivergence, type Rerun } from '../../harness/world/determinism.ts'
import { Trace } from '../../harness/world/trace.ts'
import { World } from '../../harness/world/world.ts'
import { connected, STEADY_NETWORK } from './support.ts'

/** A scenario with a planted defect: something that differs from run to run reaches the world. */
function rerunning(body: (world: World, run: number) => Promise<void>): Rerun {
  let runs = 0
  return async options => {
    const world = new World({ seed: 'rerun', network: STEADY_NETWORK, ...options })
    const run = ++runs
    await world.run(() => body(world, run))
    return world
  }
}

const talk = async (world: World, text: string): Promise<void> => {
  const pair = { world, server: world.host('server').process(), client: world.host('client').process() }
  const { client } = await connected(pair)
  plantedWrite(client, text)
  await world.sleep(10)
}

function plantedWrite(connection: { write(bytes: Buffer): number }, text: string): void {
  connection.write(Buffer.from(text))
}

describe('run twice, a scenario', () => {
  test('that is deterministic shows no divergence', async () => {
    expect(await findDivergence(rerunning(world => talk(world, 'the same')))).toBeUndefined()
  })

  test('whose bytes differ is found at the event that carries them, with the stack that sent it', async () => {
    const divergence = await findDivergence(rerunning((world, run) => talk(world, `run ${run}`)))

    expect(divergence?.first).toMatch(/^#\d+ 3 ms deliver c1 client>server, 5 bytes, crc \d+$/)
    expect(divergence?.second).toMatch(/^#\d+ 3 ms deliver c1 client>server, 5 bytes, crc \d+$/)
    expect(divergence?.first).not.toBe(divergence?.second)
    expect(divergence?.stack).toContain('plantedWrite')
  })

  test('whose times differ is found at the first event that differs, with the stack that made it', async () => {
    const divergence = await findDivergence(
      rerunning(async (world, run) => {
        await world.sleep(1)
        await plantedSleep(world, run)
        await world.sleep(1)
      }),
    )

    expect(divergence).toMatchObject({ index: 2, first: expect.stringContaining('#2 2 ms timer main') })
    expect(divergence?.second).toContain('#2 3 ms timer main')
    expect(divergence?.stack).toContain('plantedSleep')
  })

  test('that ends earlier in one run says so', async () => {
    const divergence = await findDivergence(
      rerunning(async (world, run) => {
        await world.sleep(1)
        if (run === 1) await world.sleep(1)
      }),
    )

    expect(divergence).toMatchObject({ index: 2, second: 'end of the trace' })
  })
})

async function plantedSleep(world: World, ms: number): Promise<void> {
  await world.sleep(ms)
}

describe('a trace', () => {
  test('has the same digest in every mode, whatever its length', () => {
    for (const count of [0, 1, 4095, 4096, 4097, 10_000]) {
      const digests = (['digest', 'compact', 'full'] as const).map(mode => {
        const trace = new Trace(mode)
        for (let index = 0; index < count; index++) trace.data(index, index % 7, 'deliver', Buffer.from(`${index}`))
        return trace.digest()
      })

      expect(new Set(digests).size).toBe(1)
    }
  })

  test('notices a change of time, lane, kind, length or bytes', () => {
    const digestOf = (body: (trace: Trace) => void): string => {
      const trace = new Trace('digest')
      body(trace)
      return trace.digest()
    }
    const digests = [
      digestOf(trace => trace.data(1, 1, 'deliver', Buffer.from('a'))),
      digestOf(trace => trace.data(2, 1, 'deliver', Buffer.from('a'))),
      digestOf(trace => trace.data(1 + 2 ** 32, 1, 'deliver', Buffer.from('a'))),
      digestOf(trace => trace.data(1, 2, 'deliver', Buffer.from('a'))),
      digestOf(trace => trace.data(1, 1, 'fin', Buffer.from('a'))),
      digestOf(trace => trace.data(1, 1, 'deliver', Buffer.from('b'))),
      digestOf(trace => trace.event(1, 1, 'deliver')),
      digestOf(() => {}),
    ]

    expect(new Set(digests).size).toBe(digests.length)
  })

  test('can be asked for its digest at any time without disturbing it', () => {
    const [asked, alone] = [new Trace('digest'), new Trace('digest')]
    for (let index = 0; index < 5000; index++) {
      asked.event(index, 0, 'timer')
      asked.digest()
      alone.event(index, 0, 'timer')
    }

    expect(asked.digest()).toBe(alone.digest())
  })

  test('finds the first difference beyond a block, and describes entries in words', () => {
    const [one, two] = [new Trace('compact'), new Trace('compact')]
    for (const trace of [one, two]) {
      trace.nameLane(3, 'broker-1/sender')
      for (let index = 0; index < 9000; index++) trace.event(index * 1000, 3, 'wake')
    }
    one.text(9_000_000_000, 3, 'note', 'left')
    two.text(9_000_000_000, 3, 'note', 'right')

    expect(one.firstDifference(two)).toBe(9000)
    expect(one.describe(9000)).toMatch(/^#9000 9000000 ms note broker-1\/sender, 4 bytes, crc \d+$/)
    expect(one.firstDifference(one)).toBeUndefined()
  })

  test('keeps readable entries when it is full', async () => {
    const world = new World({ seed: 'readable', trace: 'full' })
    await world.run(async () => {
      world.note('fault', 'the cable is cut')
      await world.sleep(2.5)
    })

    expect(world.trace.entries).toEqual([
      { index: 0, ms: 0, kind: 'start', lane: 'main' },
      { index: 1, ms: 0, kind: 'fault', lane: 'main', detail: 'the cable is cut' },
      { index: 2, ms: 2.5, kind: 'timer', lane: 'main' },
    ])
  })
})
