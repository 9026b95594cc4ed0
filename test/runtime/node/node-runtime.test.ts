import { mkdtemp, rm, stat } from 'node:fs/promises'
import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { END_OF_STREAM, NetworkError } from '../../../src/runtime/network.ts'
import { createNodeRuntime, type NodeRuntimeOptions } from '../../../src/runtime/node/node-runtime.ts'

let directory = ''
const servers: Server[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'node-runtime-'))
})

afterEach(async () => {
  for (const server of servers.splice(0)) server.close()
  await rm(directory, { recursive: true, force: true })
})

function makeRuntime(options: Partial<NodeRuntimeOptions> = {}) {
  return createNodeRuntime({ name: 'test', dataDirectory: directory, ...options })
}

/** A server of `node:net` itself, to see what really goes over the wire. */
async function bareServer(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, onSocket)
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

test('a closed connection goes away after the linger time even when the peer never closes', async () => {
  const runtime = makeRuntime({ lingerMs: 50 })
  let bytesRead = 0
  let failed: (error: Error) => void = () => {}
  const failure = new Promise<Error>(resolve => {
    failed = resolve
  })
  const port = await bareServer(socket => {
    const nag = setInterval(() => socket.write('still there?'), 5) // reads to the end, never ends its own side
    socket.on('error', error => {
      clearInterval(nag)
      failed(error)
    })
    socket.on('data', bytes => {
      bytesRead += bytes.length
    })
    socket.resume()
  })
  const connection = await runtime.network.connect({ host: '127.0.0.1', port })

  connection.write(Buffer.from('bye'))
  connection.close()

  expect((await failure).message).toMatch(/ECONNRESET|EPIPE/)
  expect(bytesRead).toBe(3)
})

test('a peer that does not read what was written before close sees a reset, not an end, when the linger time is over', async () => {
  const runtime = makeRuntime({ lingerMs: 100 })
  let peer: Socket | undefined
  const port = await bareServer(socket => {
    peer = socket
  })
  const connection = await runtime.network.connect({ host: '127.0.0.1', port, sendBufferBytes: 64 * 1_048_576 })
  connection.write(Buffer.alloc(64 * 1_048_576))
  connection.close()
  await new Promise(resolve => setTimeout(resolve, 300))

  const outcome = await new Promise<string>(resolve => {
    peer?.on('error', error => resolve(error.message))
    peer?.on('end', () => resolve('end'))
    peer?.resume()
  })

  expect(outcome).toContain('ECONNRESET')
})

test('what was written before close is delivered even when much more of the peer was left unread', async () => {
  const runtime = makeRuntime({ lingerMs: 500 })
  let peer: Socket | undefined
  const port = await bareServer(socket => {
    peer = socket
    socket.write(Buffer.alloc(8 * 1_048_576))
  })
  const connection = await runtime.network.connect({ host: '127.0.0.1', port })
  await new Promise(resolve => setTimeout(resolve, 100))

  connection.write(Buffer.from('goodbye'))
  connection.close()
  await new Promise(resolve => setTimeout(resolve, 1000)) // by now the socket is gone

  const heard = await new Promise<string>(resolve => {
    let text = ''
    peer?.on('data', bytes => {
      text += bytes.toString()
    })
    peer?.on('end', () => resolve(text))
    peer?.on('error', error => resolve(error.message))
    peer?.resume()
  })
  expect(heard).toBe('goodbye')
  peer?.end()
})

test('a timer for longer than Node can count does not keep the event loop busy', async () => {
  const runtime = makeRuntime()
  const warnings: string[] = []
  const note = (warning: Error) => warnings.push(warning.name)
  process.on('warning', note)

  const timer = runtime.timers.after(40 * 86_400_000, () => {})
  await new Promise(resolve => setTimeout(resolve, 20))
  timer.cancel()

  process.off('warning', note)
  expect(warnings).toEqual([]) // Node warns before it turns such a delay into 1 ms
})

test('a reset straight after the end still closes the socket', async () => {
  const runtime = makeRuntime()
  const port = await bareServer(socket => socket.on('end', () => socket.destroy()).resume())
  const before = process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length
  const connection = await runtime.network.connect({ host: '127.0.0.1', port })

  connection.end()
  connection.reset()
  await new Promise(resolve => setTimeout(resolve, 100))

  const after = process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length
  expect(after).toBe(before)
})

test('connections beyond the backlog and the overflow are reset, and those before them are not', async () => {
  const runtime = makeRuntime()
  const listener = await runtime.network.listen({ host: '127.0.0.1', port: 0, backlog: 50 })
  const sockets: Socket[] = []
  let resets = 0
  for (let count = 0; count < 311; count += 1) {
    const socket = connectSocket(listener.address.port, '127.0.0.1')
    socket.on('error', () => {
      resets += 1
    })
    sockets.push(socket)
    await new Promise(resolve => socket.once('connect', resolve).once('close', resolve))
  }
  await new Promise(resolve => setTimeout(resolve, 100))

  let accepted = 0
  for (let next = listener.accept(); next !== null; next = listener.accept()) {
    accepted += 1
    next.reset()
  }

  expect([accepted, resets]).toEqual([306, 5])
  listener.close()
  for (const socket of sockets) socket.destroy()
})

test('an error keeps what the operating system said as its cause', async () => {
  const runtime = makeRuntime()
  const listener = await runtime.network.listen({ host: '127.0.0.1', port: 0, backlog: 1 })

  const failure: unknown = await runtime.network
    .listen({ host: '127.0.0.1', port: listener.address.port, backlog: 1 })
    .catch((error: unknown) => error)

  expect(failure).toBeInstanceOf(NetworkError)
  expect(failure).toMatchObject({ code: 'EADDRINUSE', operation: 'listen', cause: { syscall: 'listen' } })
  listener.close()
})

test('errors that leave a thread, a timer or a callback reach the crash handler with their place', async () => {
  const crashes: string[] = []
  const runtime = makeRuntime({ onCrash: (error, where) => crashes.push(`${where}: ${String(error)}`) })
  const listener = await runtime.network.listen({ host: '127.0.0.1', port: 0, backlog: 1 })

  const thread = runtime.threads.start('broken-thread', async () => {
    throw new Error('a')
  })
  runtime.timers.after(1, () => {
    throw new Error('b')
  })
  listener.onReady(() => {
    throw new Error('c')
  })
  await thread.done
  await new Promise(resolve => setTimeout(resolve, 50))

  expect(crashes.sort()).toEqual(['broken-thread: Error: a', 'onReady: Error: c', 'timer: Error: b'])
  listener.close()
})

test('a seed makes randomness repeatable, and without one it is not', () => {
  const draw = (options: Partial<NodeRuntimeOptions>) => makeRuntime(options).random.stream('ids').bytes(16)

  expect(draw({ seed: 'x' })).toEqual(draw({ seed: 'x' }))
  expect(draw({})).not.toEqual(draw({}))
})

test('the data directory is made when it is missing, and a file in its place is an error', async () => {
  const dataDirectory = join(directory, 'deep/data')
  const { disk } = makeRuntime({ dataDirectory })
  await (await disk.open('file', { create: true })).close()

  expect((await stat(dataDirectory)).isDirectory()).toBe(true)
  expect(() => makeRuntime({ dataDirectory: join(dataDirectory, 'file') })).toThrow(
    expect.objectContaining({ name: 'DiskError', code: 'EEXIST' }),
  )
})

test('an append while another is under way is a mistake of the caller, not a mixture of bytes', async () => {
  const file = await makeRuntime().disk.open('log', { create: true })

  const [first, second] = await Promise.allSettled([file.append(Buffer.from('aaa')), file.append(Buffer.from('bbb'))])

  expect([first.status, second.status]).toEqual(['fulfilled', 'rejected'])
  expect((await file.read(0, 10)).toString()).toBe('aaa')
  await file.close()
})

test('bytes that nobody reads stay with the peer', async () => {
  const runtime = makeRuntime()
  const total = 64 * 1_048_576
  let peer: Socket | undefined
  const port = await bareServer(socket => {
    peer = socket
    socket.write(Buffer.alloc(total))
  })
  const connection = await runtime.network.connect({ host: '127.0.0.1', port, receiveBufferBytes: 65_536 })
  await new Promise(resolve => setTimeout(resolve, 300))
  const unsent = peer?.writableLength ?? 0

  let received = 0
  const end = new Promise<void>(resolve => {
    connection.onReady(() => {
      for (let bytes = connection.read(1_048_576); bytes !== null; bytes = connection.read(1_048_576)) {
        if (bytes === END_OF_STREAM) return resolve()
        received += bytes.length
      }
    })
  })
  peer?.end()
  await end

  expect(unsent).toBe(total) // Node counts one write as unsent until all of it is with the operating system
  expect(received).toBe(total)
  connection.close()
})
