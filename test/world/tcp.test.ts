import { describe, expect, test } from 'vitest'
import type { World } from '../../harness/world/world.ts'
import type { Connection } from '../../src/runtime/network.ts'
import { codeOf, connected, dial, listen, PORT, readNow, STEADY_NETWORK, withPair, writeNow } from './support.ts'

/** Numbered bytes, so that a mix-up shows. */
function pattern(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => index % 251))
}

/** Reads whenever there is something, until the stream ends. */
function collect(connection: Connection): { readonly bytes: () => Buffer; ended: boolean } {
  const chunks: Buffer[] = []
  const result = { bytes: () => Buffer.concat(chunks), ended: false }
  const onReady = (): void => {
    for (;;) {
      const chunk = connection.read(1000)
      if (chunk === null) return
      if (!Buffer.isBuffer(chunk)) {
        result.ended = true
        return
      }
      chunks.push(chunk)
    }
  }
  connection.onReady(onReady)
  return result
}

/** Writes all of it, as room comes. */
function pour(connection: Connection, bytes: Buffer): { readonly left: () => number } {
  let rest = bytes
  const onReady = (): void => {
    rest = rest.subarray(connection.write(rest))
  }
  connection.onReady(() => {
    if (rest.length > 0) onReady()
  })
  onReady()
  return { left: () => rest.length }
}

describe('bytes', () => {
  test('take the latency of the path, and never arrive inside the call that writes them', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { client, server } = await connected(pair)
      const startedMs = world.nowMs
      let arrivedMs = -1
      server.onReady(() => {
        arrivedMs = world.nowMs
      })
      client.write(Buffer.from('x'))
      expect(arrivedMs).toBe(-1)
      await world.sleep(10)

      expect(arrivedMs - startedMs).toBe(1)
    })
  })

  test('arrive in order however the latency of each segment falls', async () => {
    await withPair(
      async pair => {
        const { world } = pair
        const { client, server } = await connected(pair)
        const received = collect(server)
        const bytes = pattern(20_000)
        for (let at = 0; at < bytes.length; at += 100) {
          client.write(bytes.subarray(at, at + 100))
          await world.sleep(0.1)
        }
        await world.sleep(1000)

        expect(received.bytes().equals(bytes)).toBe(true)
      },
      { network: { latencyUs: [100, 50_000] } },
    )
  })

  test('are split at arbitrary places when the path fragments', async () => {
    await withPair(
      async pair => {
        const { client, server } = await connected(pair)
        const sizes: number[] = []
        server.onReady(() => {
          for (let chunk = server.read(65_536); Buffer.isBuffer(chunk); chunk = server.read(65_536))
            sizes.push(chunk.length)
        })
        client.write(pattern(1000))
        await pair.world.sleep(100)

        expect(sizes.reduce((sum, size) => sum + size)).toBe(1000)
        expect(sizes.length).toBeGreaterThan(50)
        expect(Math.max(...sizes)).toBeLessThanOrEqual(20)
        expect(new Set(sizes).size).toBeGreaterThan(5)
      },
      { network: { ...STEADY_NETWORK, fragment: { probability: 1, maxBytes: 20 } } },
    )
  })

  test('are limited by the bandwidth of the path, which all its connections share', async () => {
    await withPair(async pair => {
      const { world } = pair
      const first = await connected(pair)
      const second = await dial(pair)
      const received = collect(first.server)
      world.network.link('client', 'server').conditions.bytesPerSecond = 100_000
      pour(first.client, pattern(50_000))
      second.write(pattern(50_000))
      await world.sleep(400)
      expect(received.bytes().length).toBe(0) // one segment of 50,000 bytes takes half a second
      await world.sleep(200)
      expect(received.bytes().length).toBe(50_000)
      const arrivedMs = world.nowMs
      pour(first.client, pattern(1000))
      await world.sleep(350)
      expect(received.bytes().length).toBe(50_000)
      await world.sleep(200)

      expect(received.bytes().length).toBe(51_000)
      expect(arrivedMs).toBeLessThan(700)
    })
  })
})

describe('flow control', () => {
  test('takes what both buffers hold, then nothing, and tells the writer when there is room', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { client, server } = await connected(pair, { sendBufferBytes: 1000, receiveBufferBytes: 2000 })
      let total = 0
      for (let round = 0; round < 10; round++) {
        total += writeNow(client, pattern(700)) as number
        await world.sleep(5)
      }
      expect(total).toBe(3000)
      let told = 0
      client.onReady(() => told++)
      await world.sleep(1000)
      expect([writeNow(client, 'x'), told]).toEqual([0, 0])

      expect([server.read(700), server.read(299)].map(chunk => (chunk as Buffer).length)).toEqual([700, 299])
      await world.sleep(10)
      expect(told).toBe(0) // no update for less than half the buffer
      server.read(1)
      await world.sleep(10)

      expect(told).toBe(1)
      expect(writeNow(client, pattern(1000))).toBe(1000)
    })
  })

  test('tells a writer whose full send buffer has been delivered although nobody has read yet', async () => {
    await withPair(async pair => {
      const { client } = await connected(pair, { sendBufferBytes: 1000, receiveBufferBytes: 65_536 })
      let told = 0
      client.onReady(() => told++)
      expect(writeNow(client, pattern(5000))).toBe(1000)
      await pair.world.sleep(10)

      expect(told).toBeGreaterThan(0)
      expect(writeNow(client, pattern(5000))).toBe(1000)
    })
  })

  test('a megabyte passes through tiny buffers whole', async () => {
    await withPair(async pair => {
      const { client, server } = await connected(pair, { sendBufferBytes: 3000, receiveBufferBytes: 1500 })
      const received = collect(server)
      const bytes = pattern(1_000_000)
      const writing = pour(client, bytes)
      await pair.world.sleep(60_000)

      expect(writing.left()).toBe(0)
      expect(received.bytes().equals(bytes)).toBe(true)
      expect(pair.world.statistics.events).toBeLessThan(10_000) // segments do not shrink to crumbs
    })
  })

  test('a send buffer that shrinks takes no more, and its old size comes back', async () => {
    await withPair(async pair => {
      const { client, wire } = await connected(pair)
      wire.client.outPipe?.squeeze(10)
      expect(writeNow(client, pattern(100))).toBe(10)
      let told = 0
      client.onReady(() => told++)
      wire.client.outPipe?.squeeze(undefined)
      await pair.world.sleep(1)

      expect(told).toBeGreaterThan(0)
      expect(writeNow(client, pattern(100))).toBe(100)
    })
  })

  test('a reader that stalls sees nothing and holds its peer back, and finds everything when it goes on', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { client, server, wire } = await connected(pair, { sendBufferBytes: 100, receiveBufferBytes: 100 })
      wire.server.stalled = true
      const received = collect(server)
      const writing = pour(client, pattern(300))
      await world.sleep(100)
      expect([received.bytes().length, writing.left()]).toEqual([0, 100])

      wire.server.stalled = false
      wire.server.notifyLater('notify')
      await world.sleep(100)

      expect(received.bytes().equals(pattern(300))).toBe(true)
    })
  })
})

describe('the end of a connection', () => {
  test('half-close: the end comes after the last byte, the other direction works on', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { client, server } = await connected(pair)
      client.write(Buffer.from('question'))
      client.end()
      await world.sleep(5)
      expect(readNow(server)).toEqual({ text: 'question', state: 'end' })
      server.write(Buffer.from('answer'))
      await world.sleep(5)

      expect(readNow(client)).toEqual({ text: 'answer', state: 'open' })
      expect(writeNow(client, 'more')).toBe('EPIPE')
    })
  })

  test('close sends what the send buffer holds, through a full receive buffer too', async () => {
    await withPair(async pair => {
      const { client, server } = await connected(pair, { sendBufferBytes: 5000, receiveBufferBytes: 1000 })
      const bytes = pattern(5000)
      expect(client.write(bytes)).toBe(5000)
      client.close()
      await pair.world.sleep(50)
      let text = ''
      for (let round = 0; round < 20; round++) {
        const now = readNow(server)
        text += now.text
        if (now.state === 'end') break
        await pair.world.sleep(5)
      }

      expect(text).toBe(bytes.toString())
    })
  })

  test('a reset comes after what was sent before it, and what was not sent yet is lost', async () => {
    await withPair(async pair => {
      const { client, server } = await connected(pair, { sendBufferBytes: 5000, receiveBufferBytes: 1000 })
      client.write(pattern(3000))
      client.reset()
      await pair.world.sleep(50)
      const { text, state } = readNow(server)

      expect(text).toHaveLength(1000)
      expect(state).toBe('ECONNRESET')
      expect(writeNow(server, 'x')).toBe('ECONNRESET')
    })
  })

  test('a reset never overtakes data, whatever the latencies', async () => {
    for (let seed = 0; seed < 30; seed++) {
      await withPair(
        async pair => {
          const { client, server } = await connected(pair)
          client.write(Buffer.from('important'))
          client.reset()
          await pair.world.sleep(500)

          expect(readNow(server)).toEqual({ text: 'important', state: 'ECONNRESET' })
        },
        { seed: `${seed}`, network: { latencyUs: [100, 200_000] } },
      )
    }
  })

  test('bytes for a socket that is closed are answered with a reset', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { client, server } = await connected(pair)
      server.close()
      await world.sleep(5)
      expect(readNow(client).state).toBe('end')
      expect(writeNow(client, 'anybody there?')).toBe(14)
      await world.sleep(5)

      expect(writeNow(client, 'hello?')).toBe('EPIPE')
      expect(readNow(client).state).toBe('end')
    })
  })

  test('a reset that is lost on the way is found out by whoever sends next', async () => {
    await withPair(async pair => {
      const { world } = pair
      const { client, server } = await connected(pair)
      world.network.block('server', 'client')
      server.reset()
      await world.sleep(10)
      world.network.unblock('server', 'client')
      await world.sleep(10_000)
      expect(readNow(client).state).toBe('open')
      writeNow(client, 'still there?')
      await world.sleep(10)

      expect(readNow(client).state).toBe('ECONNRESET')
    })
  })

  test('an attempt that is given up opens nothing, also when the peer had accepted it already', async () => {
    await withPair(async pair => {
      const { world, client } = pair
      const listener = await listen(pair)
      const outcomes: string[] = []
      for (const afterMs of [0.5, 1.5]) {
        const giveUp = client.host.kernel.connect(
          client,
          { host: 'server', port: PORT },
          () => outcomes.push('connected'),
          () => outcomes.push('failed'),
        )
        await world.sleep(afterMs)
        giveUp()
      }
      await world.sleep(50)
      const half = listener.accept()

      expect(outcomes).toEqual([])
      expect(half === null ? 'none' : readNow(half).state).toBe('ECONNRESET')
      expect(listener.accept()).toBeNull()
    })
  })
})

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

describe('connecting', () => {
  test('is refused where nobody listens, and where a fault refuses', async () => {
    await withPair(async pair => {
      expect(await codeOf(dial(pair))).toBe('ECONNREFUSED')
      await listen(pair)
      pair.server.host.kernel.refusing.add(PORT)
      expect(await codeOf(dial(pair))).toBe('ECONNREFUSED')
      pair.server.host.kernel.refusing.delete(PORT)

      expect(await codeOf(dial(pair))).toBe('no failure')
    })
  })

  test('fails as the name service does', async () => {
    await withPair(async ({ world, client }) => {
      const connect = (host: string) => codeOf(client.network.connect({ host, port: PORT }))
      world.network.dnsFailures.set('server', 'EAI_AGAIN')

      expect([await connect('nowhere'), await connect('server')]).toEqual(['ENOTFOUND', 'EAI_AGAIN'])
    })
  })

  test('finds machines by name, by address, and itself as localhost', async () => {
    await withPair(async pair => {
      await listen(pair)
      const hosts: [typeof pair.client, string][] = [
        [pair.client, 'server'],
        [pair.client, pair.server.host.ip],
        [pair.server, 'localhost'],
        [pair.server, '127.0.0.1'],
      ]
      for (const [from, host] of hosts) {
        expect([host, await codeOf(from.network.connect({ host, port: PORT }))]).toEqual([host, 'no failure'])
      }
      expect(await codeOf(pair.client.network.connect({ host: 'localhost', port: PORT }))).toBe('ECONNREFUSED')
    })
  })

  test('waits while the accept queue is full, and goes on when there is room again', async () => {
    await withPair(async pair => {
      const { world } = pair
      const listener = await listen(pair, { backlog: 2 })
      const dialling = Array.from({ length: 5 }, () => dial(pair))
      const settled = dialling.map(() => false)
      dialling.forEach((attempt, index) => {
        void attempt.then(() => {
          settled[index] = true
        })
      })
      await upTo(world, 10)
      expect(settled).toEqual([true, true, true, false, false]) // Linux holds one more than asked
      for (let index = 0; index < 3; index++) listener.accept()
      await upTo(world, 10)

      expect(settled).toEqual([true, true, true, true, true])
    })
  })

  test('to a full accept queue that nobody empties times out', async () => {
    await withPair(async pair => {
      await listen(pair, { backlog: 0 })
      await dial(pair)

      expect(await codeOf(dial(pair))).toBe('ETIMEDOUT')
      expect(pair.world.nowMs).toBeGreaterThan(126_000)
    })
  })

  test('uses local ports in turn, skips those in use, and uses them again when they are free', async () => {
    await withPair(async pair => {
      const { client } = pair
      await listen(pair, { backlog: 100 })
      const kept = await dial(pair)
      const { kernel } = client.host
      for (let port = kernel.freePort(); port < 65_535; ) port = kernel.freePort()
      const next = [await dial(pair), await dial(pair)]

      expect(kept.local.port).toBe(32_768)
      expect(next.map(({ local }) => local.port)).toEqual([32_769, 32_770])
      kept.close()
      for (let port = kernel.freePort(); port < 65_535; ) port = kernel.freePort()
      expect((await dial(pair)).local.port).toBe(32_768)
    })
  })
})

test('an error in a callback of the network is the crash of the process that set it', async () => {
  await withPair(async pair => {
    const { world, server: process } = pair
    const crashes: string[] = []
    process.onCrash = (_thread, error) => crashes.push(String(error))
    const { client, server } = await connected(pair)
    server.onReady(() => {
      throw new Error('planted')
    })
    writeNow(client, 'x')
    await world.sleep(10)

    expect(crashes).toEqual(['Error: planted'])
    expect(process.alive).toBe(false)
  })
})
