import { describe, expect, test } from 'vitest'
import { END_OF_STREAM } from '../../src/runtime/network.ts'
import type { Hosts, HostUnderTest } from './host-under-test.ts'
import { accepted, addressOf, connectedPair, failureOf, Peer, sleep } from './peer.ts'

/** What every host's network does, in one body of tests. */
export function describeNetwork(name: string, makeHost: () => HostUnderTest): void {
  const on = (title: string, body: (hosts: Hosts) => Promise<void>) => test(title, () => makeHost().run(body))

  describe(`network of ${name}: connecting`, () => describeConnecting(on))
  describe(`network of ${name}: bytes`, () => describeBytes(on))
  describe(`network of ${name}: the end of a connection`, () => describeEnds(on))
  describe(`network of ${name}: readiness`, () => describeReadiness(on))
}

type On = (title: string, body: (hosts: Hosts) => Promise<void>) => void

function describeConnecting(on: On): void {
  on('what one side writes the other side reads, and both know whom they talk to', async hosts => {
    const { listener, client, server } = await connectedPair(hosts)

    await client.writeAll(Buffer.from('ping'))
    const heard = await server.readExactly(4)
    await server.writeAll(Buffer.concat([heard, heard]))

    expect((await client.readExactly(8)).toString()).toBe('pingping')
    expect(client.connection.remote).toEqual(addressOf(hosts, listener))
    expect(server.connection.remote.port).toBe(client.connection.local.port)
    expect(server.connection.local.port).toBe(listener.address.port)
  })

  on('a connection to a port where nobody listens is refused', async hosts => {
    const listener = await hosts.server.network.listen({ host: hosts.serverHost, port: 0, backlog: 1 })
    listener.close()

    expect(await failureOf(() => hosts.client.network.connect(addressOf(hosts, listener)))).toBe('ECONNREFUSED')
  })

  on('port 0 gives a free port, another one each time', async hosts => {
    const listen = () => hosts.server.network.listen({ host: hosts.serverHost, port: 0, backlog: 1 })

    const ports = [await listen(), await listen(), await listen()].map(listener => listener.address.port)

    expect(new Set(ports).size).toBe(3)
    expect(ports.every(port => port > 0 && port < 65_536)).toBe(true)
  })

  on('an address is in use until its listener is closed', async hosts => {
    const first = await hosts.server.network.listen({ host: hosts.serverHost, port: 0, backlog: 1 })
    const again = () => hosts.server.network.listen({ host: hosts.serverHost, port: first.address.port, backlog: 1 })

    expect(await failureOf(again)).toBe('EADDRINUSE')
    first.close()
    expect((await again()).address.port).toBe(first.address.port)
  })

  on('a closed listener stays closed, and connections that it accepted live on', async hosts => {
    const { listener, client, server } = await connectedPair(hosts)

    listener.close()
    listener.close()

    expect(await failureOf(() => listener.accept())).toBe('ECLOSED')
    await client.writeAll(Buffer.from('still here'))
    expect((await server.readExactly(10)).toString()).toBe('still here')
  })

  on('connections wait to be accepted, and more than the backlog get through in the end', async hosts => {
    const listener = await hosts.server.network.listen({ host: hosts.serverHost, port: 0, backlog: 2 })
    const connecting = Array.from({ length: 5 }, () => hosts.client.network.connect(addressOf(hosts, listener)))
    await sleep(hosts.server, 50)

    const servers: Peer[] = []
    while (servers.length < 5) servers.push(await accepted(hosts.server, listener))
    const clients = (await Promise.all(connecting)).map(connection => new Peer(hosts.client, connection))
    for (const client of clients) await client.writeAll(Buffer.from('x'))

    for (const server of servers) expect((await server.readExactly(1)).toString()).toBe('x')
    expect(listener.accept()).toBeNull()
  })

  on('bytes sent before the connection is accepted are not lost', async hosts => {
    const listener = await hosts.server.network.listen({ host: hosts.serverHost, port: 0, backlog: 5 })
    const client = new Peer(hosts.client, await hosts.client.network.connect(addressOf(hosts, listener)))
    await client.writeAll(Buffer.from('early'))
    await sleep(hosts.client, 50)

    const server = await accepted(hosts.server, listener)

    expect((await server.readExactly(5)).toString()).toBe('early')
  })

  on('a listener that closes resets the connections that it did not accept', async hosts => {
    const listener = await hosts.server.network.listen({ host: hosts.serverHost, port: 0, backlog: 5 })
    const client = new Peer(hosts.client, await hosts.client.network.connect(addressOf(hosts, listener)))
    await sleep(hosts.server, 50)

    listener.close()

    expect(await client.readToFailure()).toBe('ECONNRESET')
  })

  on('fifty connections at once do not mix up their bytes', async hosts => {
    const listener = await hosts.server.network.listen({ host: hosts.serverHost, port: 0, backlog: 50 })
    hosts.server.threads.start('echo', async () => {
      for (let count = 0; count < 50; count += 1) {
        const server = await accepted(hosts.server, listener)
        hosts.server.threads.start(`echo-${count}`, async () => {
          await server.writeAll(await server.readToEnd())
          server.connection.close()
        })
      }
    })

    const talk = async (index: number) => {
      const client = new Peer(hosts.client, await hosts.client.network.connect(addressOf(hosts, listener)))
      const message = Buffer.from(`client ${index} `.repeat(200))
      await client.writeAll(message)
      client.connection.end()
      return (await client.readToEnd()).equals(message)
    }
    const outcomes = await Promise.all(Array.from({ length: 50 }, (_, index) => talk(index)))

    expect(outcomes).toEqual(outcomes.map(() => true))
  })
}

function describeBytes(on: On): void {
  on('a mebibyte comes through small buffers in order and unchanged', async hosts => {
    const { client, server } = await connectedPair(hosts, 4096)
    const sent = hosts.client.random.stream('payload').bytes(1_048_576)

    hosts.client.threads.start('writer', async () => {
      await client.writeAll(sent)
      client.connection.end()
    })
    const received = await server.readToEnd(777)

    expect(received.length).toBe(sent.length)
    expect(received.equals(sent)).toBe(true)
  })

  on('read gives at most what was asked for and keeps the rest', async hosts => {
    const { client, server } = await connectedPair(hosts)
    await client.writeAll(Buffer.from('abcdef'))
    client.connection.end()

    const first = await server.read(4)

    expect(first === END_OF_STREAM ? 0 : first.length).toBeLessThanOrEqual(4)
    const rest = await server.readToEnd(1)
    expect(Buffer.concat([first === END_OF_STREAM ? Buffer.alloc(0) : first, rest]).toString()).toBe('abcdef')
  })

  on('read gives null while there is nothing', async hosts => {
    const { client } = await connectedPair(hosts)

    expect(client.connection.read(10)).toBeNull()
  })

  on('a writer is held back while the peer does not read, and goes on when it does', async hosts => {
    const { client, server } = await connectedPair(hosts, 4096)
    const chunk = hosts.client.random.stream('payload').bytes(65_536)
    const limit = 64 * 1_048_576 // a real operating system's own buffers are some megabytes
    let written = 0
    const writeUntilFull = async () => {
      while (written < limit) {
        const taken = client.connection.write(chunk.subarray(written % chunk.length))
        written += taken
        if (taken === 0 && !(await client.ready(500))) return
      }
    }

    await writeUntilFull()
    expect(written).toBeLessThan(limit)
    expect(client.connection.write(chunk)).toBe(0)

    const [received] = await Promise.all([
      server.readToEnd(),
      client.writeAll(chunk.subarray(written % chunk.length)).then(() => client.connection.end()),
    ])

    const repeats = Math.ceil(written / chunk.length)
    expect(received.equals(Buffer.concat(Array.from({ length: repeats }, () => chunk)))).toBe(true)
  })

  on('one direction that is full does not hold back the other', async hosts => {
    const { client, server } = await connectedPair(hosts, 4096)
    const chunk = Buffer.alloc(65_536)
    for (let total = 0; total < 64 * 1_048_576; ) {
      const taken = client.connection.write(chunk)
      total += taken
      if (taken === 0 && !(await client.ready(200))) break
    }

    await server.writeAll(Buffer.from('the other way'))

    expect((await client.readExactly(13)).toString()).toBe('the other way')
  })
}

function describeEnds(on: On): void {
  on('a half-closed connection still carries bytes the other way', async hosts => {
    const { client, server } = await connectedPair(hosts)

    await client.writeAll(Buffer.from('question'))
    client.connection.end()
    const question = await server.readToEnd()
    await server.writeAll(Buffer.from('answer'))
    server.connection.end()

    expect(question.toString()).toBe('question')
    expect((await client.readToEnd()).toString()).toBe('answer')
  })

  on('the server can half-close first', async hosts => {
    const { client, server } = await connectedPair(hosts)

    server.connection.end()
    expect(await client.read()).toBe(END_OF_STREAM)
    await client.writeAll(Buffer.from('last words'))
    client.connection.end()

    expect((await server.readToEnd()).toString()).toBe('last words')
  })

  on('the end of the stream comes after the last byte and stays', async hosts => {
    const { client, server } = await connectedPair(hosts)
    await client.writeAll(Buffer.alloc(100_000, 'x'))
    client.connection.end()

    expect((await server.readToEnd()).length).toBe(100_000)
    expect(server.connection.read(1)).toBe(END_OF_STREAM)
    expect(server.connection.read(1)).toBe(END_OF_STREAM)
  })

  on('nothing can be written after the own end', async hosts => {
    const { client } = await connectedPair(hosts)
    client.connection.end()

    expect(await failureOf(() => client.connection.write(Buffer.from('x')))).toBe('EPIPE')
  })

  on('the peer of a connection that is reset sees the reset, in reads and then in writes', async hosts => {
    const { client, server } = await connectedPair(hosts)
    await client.writeAll(Buffer.from('some bytes'))
    await server.readExactly(10)

    client.connection.reset()

    expect(await server.readToFailure()).toBe('ECONNRESET')
    expect(await failureOf(() => server.connection.write(Buffer.from('x')))).toMatch(/^(ECONNRESET|EPIPE)$/)
  })

  on('a reset is told to a peer that only waits', async hosts => {
    const { client, server } = await connectedPair(hosts)
    const waiting = server.readToFailure()

    client.connection.reset()

    expect(await waiting).toBe('ECONNRESET')
  })

  on('a reset drops what is still unsent, also when the own end was announced', async hosts => {
    const { client, server } = await connectedPair(hosts, 4096)
    const chunk = Buffer.alloc(65_536)
    for (let total = 0; total < 64 * 1_048_576; ) {
      const taken = client.connection.write(chunk)
      total += taken
      if (taken === 0 && !(await client.ready(200))) break
    }

    client.connection.end()
    client.connection.reset()

    expect(await server.readToFailure()).toBe('ECONNRESET')
  })

  on('what was written before close is delivered, however much was still unsent', async hosts => {
    const { client, server } = await connectedPair(hosts)
    const bytes = hosts.client.random.stream('payload').bytes(262_144)
    let written = 0
    for (let taken = -1; taken !== 0 && written < bytes.length; written += taken) {
      taken = client.connection.write(bytes.subarray(written))
    }

    client.connection.close()

    const received = await server.readToEnd()
    expect(written).toBeGreaterThan(0)
    expect(received.equals(bytes.subarray(0, written))).toBe(true)
  })

  on('what was written before close is delivered even when bytes of the peer were left unread', async hosts => {
    const { client, server } = await connectedPair(hosts)
    await client.writeAll(Buffer.alloc(50_000, 'q'))
    await sleep(hosts.server, 50)

    await server.writeAll(Buffer.from('goodbye'))
    server.connection.close()
    await sleep(hosts.server, 50)

    expect((await client.readExactly(7)).toString()).toBe('goodbye')
    // Linux then resets the connection, since the unread bytes are lost; a host that lingers ends it in order.
    expect(await client.readToFailure()).toMatch(/^(ECONNRESET|no failure)$/)
  })

  on('who goes on writing to a peer that has closed is told in the end', async hosts => {
    const { client, server } = await connectedPair(hosts)
    server.connection.close()

    const failure = await failureOf(async () => {
      for (let attempt = 0; attempt < 200; attempt += 1) {
        client.connection.write(Buffer.from('anybody there?'))
        await sleep(hosts.client, 50)
      }
    })

    expect(failure).toMatch(/^(ECONNRESET|EPIPE)$/)
  })

  for (const how of ['close', 'reset'] as const) {
    on(`after ${how} nothing works any more, and doing it again is fine`, async hosts => {
      const { client } = await connectedPair(hosts)

      client.connection[how]()
      client.connection.close()
      client.connection.reset()

      expect(await failureOf(() => client.connection.read(1))).toBe('ECLOSED')
      expect(await failureOf(() => client.connection.write(Buffer.from('x')))).toBe('ECLOSED')
      expect(await failureOf(() => client.connection.end())).toBe('ECLOSED')
    })
  }
}

function describeReadiness(on: On): void {
  on('readiness is never told inside another call', async hosts => {
    const { client, server } = await connectedPair(hosts, 4096)
    let inCall = false
    let calls = 0
    let reentered = 0
    const within = <T>(call: () => T): T => {
      inCall = true
      const result = call()
      inCall = false
      return result
    }
    for (const { connection } of [client, server]) {
      within(() =>
        connection.onReady(() => {
          calls += 1
          if (inCall) reentered += 1
        }),
      )
    }

    for (let round = 0; round < 20; round += 1) {
      within(() => client.connection.write(Buffer.alloc(3000)))
      await sleep(hosts.client, 5)
      within(() => server.connection.read(10_000))
      within(() => server.connection.write(Buffer.alloc(10)))
    }
    within(() => client.connection.end())
    await sleep(hosts.client, 20)
    within(() => client.connection.reset())
    await sleep(hosts.client, 20)

    expect(calls).toBeGreaterThan(0)
    expect(reentered).toBe(0)
  })

  on('a callback that is set late is told of what is there already', async hosts => {
    const listener = await hosts.server.network.listen({ host: hosts.serverHost, port: 0, backlog: 5 })
    const client = await hosts.client.network.connect(addressOf(hosts, listener))
    client.write(Buffer.from('x'))
    await sleep(hosts.server, 50)

    let listenerCalls = 0
    listener.onReady(() => {
      listenerCalls += 1
    })
    await sleep(hosts.server, 50)
    const server = listener.accept()
    await sleep(hosts.server, 50)
    let connectionCalls = 0
    server?.onReady(() => {
      connectionCalls += 1
    })
    await sleep(hosts.server, 50)

    expect(listenerCalls).toBeGreaterThan(0)
    expect(connectionCalls).toBeGreaterThan(0)
  })

  on('nothing is told of a connection after it was closed', async hosts => {
    const { client, server } = await connectedPair(hosts)
    let calls = 0
    await client.writeAll(Buffer.from('x'))
    await sleep(hosts.server, 50)
    server.connection.onReady(() => {
      calls += 1
    })

    server.connection.close()
    client.connection.write(Buffer.from('y'))
    await sleep(hosts.server, 50)

    expect(calls).toBe(0)
  })
}
