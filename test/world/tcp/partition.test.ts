import { describe, expect, test } from 'vitest'
import type { World } from '../../../harness/world/world.ts'
import type { Connection } from '../../../src/runtime/network.ts'
import { connected, dial, listen, PORT, readNow, withPair, writeNow } from '../support.ts'
import { collect, pattern, pour } from './streams.ts'

/** A connection over which the server pours bytes to a client that reads them. */
async function flowing(pair: Parameters<typeof connected>[0]) {
  const connection = await connected(pair)
  const received = collect(connection.client)
  const bytes = pattern(500)
  return { ...connection, bytes, received, send: () => connection.server.write(bytes) }
}

async function upTo(world: World, seconds: number): Promise<void> {
  await world.sleep(seconds * 1000)
}

describe('partitions', () => {
  test('two-way: nothing gets through; after healing everything does, in order and once', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { received, send, bytes } = await flowing(pair)
      const { network } = world
      network.block('client', 'server')
      network.block('server', 'client')
      send()
      send()
      await upTo(world, 5)
      expect(received.bytes().length).toBe(0)
      network.unblock('client', 'server')
      network.unblock('server', 'client')
      await upTo(world, 10)

      expect(received.bytes().equals(Buffer.concat([bytes, bytes]))).toBe(true)
    })
  })

  test('what was on its way when the partition began is delivered after it', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { received, send, bytes } = await flowing(pair)
      send()
      world.network.block('server', 'client')
      await upTo(world, 1)
      world.network.unblock('server', 'client')
      send()
      await upTo(world, 5)

      expect(received.bytes().equals(Buffer.concat([bytes, bytes]))).toBe(true)
    })
  })

  test('one-way: the other direction delivers, but its sender, who hears no acknowledgement, fills up', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { client, server } = await connected(pair, { sendBufferBytes: 1000 })
      world.network.block('client', 'server')
      const received = collect(client)
      const writing = pour(server, pattern(3000))
      await upTo(world, 5)
      expect([received.bytes().length, writing.left()]).toEqual([1000, 2000])
      world.network.unblock('client', 'server')
      await upTo(world, 5)

      expect(writing.left()).toBe(0)
      expect(received.bytes().equals(pattern(3000))).toBe(true)
    })
  })

  test('last long enough to break connections that have sent something, at the sender only', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { client, server } = await connected(pair)
      const idle = await dial(pair)
      world.network.block('client', 'server')
      world.network.block('server', 'client')
      writeNow(client, 'x')
      await upTo(world, 920)
      expect(readNow(client).state).toBe('open')
      await upTo(world, 10)

      expect(readNow(client).state).toBe('ETIMEDOUT')
      expect([readNow(server).state, readNow(idle).state]).toEqual(['open', 'open'])
    })
  })

  test('a one-way partition of the acknowledgements breaks the sender too', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { client } = await connected(pair)
      world.network.block('server', 'client')
      writeNow(client, 'x')
      await upTo(world, 930)

      expect(readNow(client).state).toBe('ETIMEDOUT')
    })
  })

  test('that heal in between start the clock anew', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { client, server } = await connected(pair)
      const { network } = world
      network.block('client', 'server')
      writeNow(client, 'first')
      await upTo(world, 900)
      network.unblock('client', 'server')
      await upTo(world, 10)
      network.block('client', 'server')
      writeNow(client, 'second')
      await upTo(world, 900)
      expect(readNow(client).state).toBe('open')
      network.unblock('client', 'server')
      await upTo(world, 70)

      expect(readNow(server).text).toBe('firstsecond')
    })
  })

  test('SYNs are lost and sent again after 1, 2, 4 … seconds', async () => {
    await withPair(async pair => {
      const { world } = pair
      await listen(pair)
      const connectedAtMs: number[] = []
      for (const healAfterMs of [500, 2500, 6900]) {
        const startedMs = world.nowMs
        world.network.block('client', 'server')
        const dialling = dial(pair)
        await world.sleep(healAfterMs)
        world.network.unblock('client', 'server')
        await dialling
        connectedAtMs.push(world.nowMs - startedMs)
      }

      expect(connectedAtMs).toEqual([1002, 3002, 7002])
    })
  })

  test('a SYN that is answered into a partition is answered again after it', async () => {
    await withPair(async pair => {
      const { world } = pair
      await listen(pair)
      const dialling = dial(pair)
      await world.sleep(1.5) // the SYN has arrived, the answer has not
      world.network.block('server', 'client')
      await world.sleep(100)
      world.network.unblock('server', 'client')

      expect((await dialling).remote.port).toBe(PORT)
      expect(world.nowMs).toBeGreaterThan(1000)
    })
  })
})

describe('a silenced flow', () => {
  test('carries nothing both ways while new connections work, and everything after it was revived', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { client, server, wire, listener } = await connected(pair)
      world.network.blackhole(wire)
      writeNow(client, 'to server')
      writeNow(server, 'to client')
      await upTo(world, 5)
      expect([readNow(client).text, readNow(server).text]).toEqual(['', ''])
      const fresh = await dial(pair)
      writeNow(fresh, 'fresh')
      await world.sleep(5)
      const freshServer = listener.accept()
      expect(freshServer === null ? '' : readNow(freshServer).text).toBe('fresh')

      world.network.revive(wire)
      await upTo(world, 10)

      expect([readNow(client).text, readNow(server).text]).toEqual(['to client', 'to server'])
    })
  })

  test('stays silent when another one is revived', async () => {
    await withPair(async pair => {
      const { world } = pair
      const first = await connected(pair, { sendBufferBytes: 10 })
      const second = await dial(pair)
      const wires = world.network.connections()
      for (const wire of wires) world.network.blackhole(wire)
      writeNow(first.client, 'first')
      writeNow(second, 'second')
      await upTo(world, 1)
      const [, secondWire] = wires
      if (secondWire !== undefined) world.network.revive(secondWire)
      await upTo(world, 10)

      expect(readNow(first.server).text).toBe('')
    })
  })

  test('whose acknowledgements alone are lost is not freed when another one is revived', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { client, wire } = await connected(pair, { sendBufferBytes: 10 })
      await dial(pair)
      const other = world.network.connections().at(-1)
      if (wire.server.outPipe !== undefined) wire.server.outPipe.blocked = true
      if (other !== undefined) world.network.blackhole(other)
      writeNow(client, pattern(10))
      await upTo(world, 1)
      if (other !== undefined) world.network.revive(other)
      await upTo(world, 1)
      const whileLost = writeNow(client, 'x')
      world.network.revive(wire)
      await upTo(world, 1)

      expect([whileLost, writeNow(client, 'x')]).toEqual([0, 1])
    })
  })

  test('breaks with ETIMEDOUT in the end', async () => {
    await withPair(async pair => {
      const { client, wire } = await connected(pair)
      pair.world.network.blackhole(wire)
      writeNow(client, 'x')
      await upTo(pair.world, 930)

      expect(readNow(client).state).toBe('ETIMEDOUT')
    })
  })
})

describe('a sender whose window is closed', () => {
  const small = { sendBufferBytes: 1000, receiveBufferBytes: 1000 }

  /** The peer's receive buffer is full, and more waits here. */
  async function fill(world: World, client: Connection): Promise<void> {
    writeNow(client, pattern(1000))
    await upTo(world, 1)
    expect(writeNow(client, pattern(500))).toBe(500)
  }

  test('hears that its peer has rebooted', async () => {
    await withPair(async pair => {
      const { world, server } = pair
      const { client } = await connected(pair, small)
      await fill(world, client)
      server.host.powerLoss()
      await upTo(world, 20)
      expect(readNow(client).state).toBe('open')
      server.host.boot()
      await upTo(world, 60)

      expect(readNow(client).state).toBe('ECONNRESET')
    })
  })

  test('hears it too when it has something to send only afterwards', async () => {
    await withPair(async pair => {
      const { world, server } = pair
      const { client } = await connected(pair, small)
      writeNow(client, pattern(1000))
      await upTo(world, 1)
      server.host.powerLoss()
      server.host.boot()
      await upTo(world, 1)
      expect(readNow(client).state).toBe('open')
      writeNow(client, 'more')
      await upTo(world, 60)

      expect(readNow(client).state).toBe('ECONNRESET')
    })
  })

  test('hears of a reset that was lost', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { client, server } = await connected(pair, small)
      await fill(world, client)
      world.network.block('server', 'client')
      world.network.block('client', 'server')
      server.reset()
      await upTo(world, 1)
      world.network.unblock('server', 'client')
      world.network.unblock('client', 'server')
      await upTo(world, 60)

      expect(readNow(client).state).toBe('ECONNRESET')
    })
  })
})
