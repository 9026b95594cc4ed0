import { describe, expect, test } from 'vitest'
import { NetworkClient, type NetworkClientOptions } from '../../src/network/network-client.ts'
import {
  CorrelationIdMismatchError,
  DisconnectedError,
  RequestTimeoutError,
  TooManyPendingRequestsError,
} from '../../src/network/network-client-errors.ts'
import { InvalidReceiveError } from '../../src/network/network-receive.ts'
import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { Produce } from '../../src/protocol/apis/produce.ts'
import { decodeRequestBody, encodeResponse, parseRequestHeader } from '../../src/protocol/codec.ts'
import { EncodeError, ProtocolError } from '../../src/protocol/protocol-error.ts'
import { type Connection, END_OF_STREAM, NetworkError } from '../../src/runtime/network.ts'
import type { Runtime } from '../../src/runtime/runtime.ts'
import { createManualRuntime, type ManualRuntime } from '../support/manual-runtime.ts'

const ADDRESS = { host: '10.0.0.1', port: 9092 }

/** A connection whose peer is the test: it says what arrives, how much may be written, and when things break. */
class FakeConnection implements Connection {
  readonly local = { host: '10.0.0.2', port: 50_000 }
  readonly remote = ADDRESS
  readonly written: Buffer[] = []
  /** Bytes that `write` still takes. */
  window = Number.MAX_SAFE_INTEGER
  closed = false
  failure: NetworkError | undefined
  readonly #incoming: (Buffer | typeof END_OF_STREAM)[] = []
  #callback: (() => void) | undefined

  read(maxBytes: number): Buffer | null | typeof END_OF_STREAM {
    if (this.failure !== undefined) throw this.failure
    const first = this.#incoming.shift()
    if (first === undefined) return null
    if (first === END_OF_STREAM || first.length <= maxBytes) return first
    this.#incoming.unshift(first.subarray(maxBytes))
    return first.subarray(0, maxBytes)
  }

  write(chunk: Buffer): number {
    if (this.failure !== undefined) throw this.failure
    const taken = Math.min(this.window, chunk.length)
    this.window -= taken
    this.written.push(Buffer.from(chunk.subarray(0, taken)))
    return taken
  }

  onReady(callback: () => void): void {
    this.#callback = callback
  }

  end(): void {}

  close(): void {
    this.closed = true
  }

  reset(): void {
    this.closed = true
  }

  /** The callback, as the host calls it: never inside another call. */
  ready(): void {
    this.#callback?.()
  }

  arrive(...chunks: (Buffer | typeof END_OF_STREAM)[]): void {
    this.#incoming.push(...chunks)
    this.ready()
  }

  fail(error: NetworkError): void {
    this.failure = error
    this.ready()
  }

  /** Correlation ids of the requests that were written completely. */
  get requests(): number[] {
    const bytes = Buffer.concat(this.written)
    const ids: number[] = []
    for (let at = 0; at + 4 <= bytes.length; at += 4 + bytes.readInt32BE(at)) {
      if (bytes.length < at + 4 + bytes.readInt32BE(at)) break
      ids.push(parseRequestHeader(bytes.subarray(at + 4, at + 4 + bytes.readInt32BE(at))).header.correlationId)
    }
    return ids
  }
}

interface Fixture {
  runtime: ManualRuntime
  connection: FakeConnection
  client: NetworkClient
}

async function connected(options: Partial<NetworkClientOptions> = {}): Promise<Fixture> {
  const runtime = createManualRuntime()
  const connection = new FakeConnection()
  const client = new NetworkClient(
    over(runtime, async () => connection),
    { ...ADDRESS, clientId: 'test', ...options },
  )
  await client.connect()
  return { runtime, connection, client }
}

function over(runtime: ManualRuntime, connect: () => Promise<Connection>): Runtime {
  const { name, clock, timers, disk, random, threads, network } = runtime
  return {
    name,
    clock,
    timers,
    disk,
    random,
    threads,
    network: { listen: options => network.listen(options), connect },
  }
}

function ask(client: NetworkClient, options: { timeoutMs?: number } = {}) {
  return client.send(Metadata, 9, { topics: null }, options)
}

/** A Metadata response that tells its correlation id as controller id. */
function response(correlationId: number): Buffer {
  const body = { brokers: [], topics: [], controllerId: 100 + correlationId }
  return sized(encodeResponse(Metadata, 9, correlationId, body))
}

function sized(frame: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(frame.length)
  return Buffer.concat([size, frame])
}

/** How a call ended, so that nothing is left unhandled while others are looked at. */
function outcome<T>(promise: Promise<T>): Promise<T | unknown> {
  return promise.catch(error => error)
}

describe('a client that asks', () => {
  test('writes one framed request and returns what is answered', async () => {
    const { connection, client } = await connected()

    const answer = ask(client)
    connection.arrive(response(0))

    expect((await answer).controllerId).toBe(100)
    const bytes = Buffer.concat(connection.written)
    expect(bytes.readInt32BE(0)).toBe(bytes.length - 4)
    const { api, header, bodyOffset } = parseRequestHeader(bytes.subarray(4))
    expect(header).toEqual({ apiKey: 3, apiVersion: 9, correlationId: 0, clientId: 'test' })
    expect(decodeRequestBody(api, 9, bytes.subarray(4), bodyOffset)).toMatchObject({ topics: null })
  })

  test('several times at once gets the answers in order', async () => {
    const { connection, client } = await connected()

    const answers = [ask(client), ask(client), ask(client)]
    expect(connection.requests).toEqual([0, 1, 2])
    expect(client.inFlightRequests).toBe(3)
    connection.arrive(Buffer.concat([response(0), response(1), response(2)]))

    expect((await Promise.all(answers)).map(answer => answer.controllerId)).toEqual([100, 101, 102])
    expect(client.inFlightRequests).toBe(0)
  })

  test('only to hand the answer over gets it where it is read, and no thread waits for it', async () => {
    const { runtime, connection, client } = await connected()

    const answer = client.send(Metadata, 9, { topics: null }, { handsOver: true })
    expect(runtime.waiting).toEqual([])
    connection.arrive(response(0))

    expect((await answer).controllerId).toBe(100)
    const failed = client.send(Metadata, 9, { topics: null }, { handsOver: true })
    client.close()
    await expect(failed).rejects.toThrow(DisconnectedError)
  })

  test('reads an answer that comes in single bytes', async () => {
    const { connection, client } = await connected()

    const answer = ask(client)
    for (const byte of response(0)) connection.arrive(Buffer.from([byte]))

    expect((await answer).controllerId).toBe(100)
  })

  test('goes on writing when the connection takes bytes again', async () => {
    const { connection, client } = await connected()
    connection.window = 3

    const answers = [ask(client), ask(client)]
    for (let step = 0; step < 40; step++) {
      connection.window = 2
      connection.ready()
    }
    connection.arrive(response(0), response(1))

    expect(connection.requests).toEqual([0, 1])
    expect((await Promise.all(answers)).map(answer => answer.controllerId)).toEqual([100, 101])
  })

  test('has no more in flight than allowed, and lets the others follow in order', async () => {
    const { connection, client } = await connected({ maxInFlightRequests: 2 })

    const answers = [ask(client), ask(client), ask(client), ask(client)]
    expect(connection.requests).toEqual([0, 1])
    connection.arrive(response(0))
    expect(connection.requests).toEqual([0, 1, 2])
    connection.arrive(response(1), response(2))
    expect(connection.requests).toEqual([0, 1, 2, 3])
    connection.arrive(response(3))

    expect((await Promise.all(answers)).map(answer => answer.controllerId)).toEqual([100, 101, 102, 103])
  })

  test('is refused when too many wait for their turn', async () => {
    const { connection, client } = await connected({ maxInFlightRequests: 1, maxPendingRequests: 1 })

    const answers = [ask(client), ask(client)]
    await expect(ask(client)).rejects.toThrow(TooManyPendingRequestsError)
    connection.arrive(response(0))
    connection.arrive(response(1))

    expect(await Promise.all(answers)).toHaveLength(2)
  })

  test('for what cannot be written is told so, and the connection goes on', async () => {
    const { connection, client } = await connected()

    await expect(client.send(Metadata, 3, { topics: [], allowAutoTopicCreation: false })).rejects.toThrow(EncodeError)
    const answer = ask(client)
    connection.arrive(response(0))

    expect((await answer).controllerId).toBe(100)
  })

  test('without wanting an answer is done when the request is written', async () => {
    const { connection, client, runtime } = await connected({ maxInFlightRequests: 1 })
    connection.window = 10
    const body = { acks: 0, timeoutMs: 1000, topicData: [] }

    let written = false
    const oneWay = client.sendOneWay(Produce, 9, body).then(() => {
      written = true
    })
    const answer = ask(client)
    await runtime.settle()
    expect(written).toBe(false)
    connection.window = 1000
    connection.ready()
    await oneWay

    expect(connection.requests).toEqual([0, 1])
    connection.arrive(response(1))
    expect((await answer).controllerId).toBe(101)
    expect(runtime.pendingTimers).toBe(0)
  })
})

describe('a client whose peer fails', () => {
  test('times out, closes the connection, and tells every caller', async () => {
    const { runtime, connection, client } = await connected({ requestTimeoutMs: 500, maxInFlightRequests: 2 })

    const answers = [ask(client), ask(client, { timeoutMs: 2000 }), ask(client)].map(outcome)
    await runtime.advance(499)
    expect(connection.closed).toBe(false)
    await runtime.advance(1)

    const [first, second, third] = await Promise.all(answers)
    expect(first).toBeInstanceOf(RequestTimeoutError)
    expect(first).toMatchObject({ timeoutMs: 500, remote: ADDRESS })
    expect(second).toBeInstanceOf(DisconnectedError)
    expect(second).toMatchObject({ cause: first })
    expect(third).toBeInstanceOf(DisconnectedError)
    expect(connection.closed).toBe(true)
    expect(client.connected).toBe(false)
    expect(runtime.pendingTimers).toBe(0)
    await expect(ask(client)).rejects.toThrow(DisconnectedError)
  })

  test('counts the time of a request from when it may be written', async () => {
    const { runtime, connection, client } = await connected({ requestTimeoutMs: 500, maxInFlightRequests: 1 })

    const answers = [ask(client), ask(client)]
    await runtime.advance(400)
    connection.arrive(response(0))
    await runtime.advance(400)
    connection.arrive(response(1))

    expect((await Promise.all(answers)).map(answer => answer.controllerId)).toEqual([100, 101])
  })

  test('has answers of before the end, and an error for those that did not come', async () => {
    const { connection, client } = await connected()

    const answers = [ask(client), ask(client)].map(outcome)
    connection.arrive(response(0), END_OF_STREAM)

    const [first, second] = await Promise.all(answers)
    expect(first).toMatchObject({ controllerId: 100 })
    expect(second).toBeInstanceOf(DisconnectedError)
    expect(connection.closed).toBe(true)
  })

  test('passes the reason of a reset on', async () => {
    const { connection, client } = await connected()
    const reset = new NetworkError('ECONNRESET', 'read', ADDRESS)

    const answer = outcome(ask(client))
    connection.fail(reset)

    expect(await answer).toBeInstanceOf(DisconnectedError)
    expect(await answer).toMatchObject({ cause: reset })
  })

  test('is told when the connection breaks in the write', async () => {
    const { connection, client } = await connected()
    connection.failure = new NetworkError('EPIPE', 'write', ADDRESS)

    await expect(ask(client)).rejects.toThrow(DisconnectedError)
  })

  test.each([
    ['a larger frame than allowed', Buffer.from('000003e9', 'hex'), DisconnectedError, InvalidReceiveError],
    ['a frame of negative size', Buffer.from('ffffffff', 'hex'), DisconnectedError, InvalidReceiveError],
    ['the answer to another request', response(7), CorrelationIdMismatchError, undefined],
    ['a frame without a correlation id', sized(Buffer.alloc(3)), ProtocolError, undefined],
    ['an answer cut short', sized(response(0).subarray(4, 12)), ProtocolError, undefined],
  ])('refuses %s and closes', async (_, bytes, type, cause) => {
    const { connection, client } = await connected({ maxResponseBytes: 1000 })

    const answers = [ask(client), ask(client)].map(outcome)
    connection.arrive(bytes)

    const [first, second] = await Promise.all(answers)
    expect(first).toBeInstanceOf(type)
    if (cause !== undefined) expect((first as Error).cause).toBeInstanceOf(cause)
    expect(second).toBeInstanceOf(DisconnectedError)
    expect(connection.closed).toBe(true)
  })

  test('refuses an answer that it did not ask for', async () => {
    const { connection, client } = await connected()

    connection.arrive(response(0))

    expect(connection.closed).toBe(true)
    expect(client.connected).toBe(false)
  })
})

describe('a client that is closed', () => {
  test('ends what is open with an error', async () => {
    const { connection, client, runtime } = await connected({ maxInFlightRequests: 1 })

    const answers = [ask(client), ask(client)].map(outcome)
    client.close()
    client.close()

    for (const answer of await Promise.all(answers)) expect(answer).toBeInstanceOf(DisconnectedError)
    expect(connection.closed).toBe(true)
    expect(runtime.pendingTimers).toBe(0)
  })
})

describe('connecting', () => {
  test('passes on why there is no connection', async () => {
    const runtime = createManualRuntime()
    const client = new NetworkClient(runtime, { ...ADDRESS, clientId: null })

    await expect(client.connect()).rejects.toMatchObject({ name: 'NetworkError', code: 'ECONNREFUSED' })
    await expect(ask(client)).rejects.toThrow(DisconnectedError)
    expect(runtime.pendingTimers).toBe(0)
  })

  test('takes no longer than allowed, and a connection that comes later is closed', async () => {
    const runtime = createManualRuntime()
    const late = Promise.withResolvers<Connection>()
    const client = new NetworkClient(
      over(runtime, () => late.promise),
      {
        ...ADDRESS,
        clientId: null,
        connectionSetupTimeoutMs: 300,
      },
    )

    const result = outcome(client.connect())
    await runtime.advance(300)
    expect(await result).toBeInstanceOf(RequestTimeoutError)
    const connection = new FakeConnection()
    late.resolve(connection)
    await runtime.settle()

    expect(connection.closed).toBe(true)
    expect(client.connected).toBe(false)
  })

  test('ends when the client is closed meanwhile', async () => {
    const runtime = createManualRuntime()
    const client = new NetworkClient(
      over(runtime, () => new Promise<never>(() => {})),
      { ...ADDRESS, clientId: null },
    )

    const result = outcome(client.connect())
    client.close()

    expect(await result).toBeInstanceOf(DisconnectedError)
    expect(runtime.pendingTimers).toBe(0)
  })

  test('comes before asking', async () => {
    const client = new NetworkClient(createManualRuntime(), { ...ADDRESS, clientId: null })

    await expect(ask(client)).rejects.toThrow('not connected yet')
  })
})
