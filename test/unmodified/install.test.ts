import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { installUnmodified } from '../../harness/unmodified/install.ts'

installUnmodified()

test('installing again changes nothing', () => {
  const before = [setTimeout, Date, Math.random, net.Socket.prototype.connect, process.nextTick]

  installUnmodified()

  expect([setTimeout, Date, Math.random, net.Socket.prototype.connect, process.nextTick]).toEqual(before)
})

test('a world from a second copy of the modules works with what the first copy has installed', async () => {
  vi.resetModules()
  const copy = await import('../../harness/unmodified/install.ts')
  const { World } = await import('../../harness/world/world.ts')
  expect(copy.installUnmodified).not.toBe(installUnmodified)
  copy.installUnmodified()
  const world = new World({ seed: 'copy' })

  const seen = await world.run(async () => {
    const server = world.host('server').process()
    const client = world.host('client').process()
    server.run(() => net.createServer(socket => socket.end('hello')).listen(1))
    await world.sleep(1)
    return client.run(async () => {
      const events: unknown[] = []
      const socket = net.connect(1, 'server')
      socket.on('data', data => events.push(String(data)))
      socket.on('end', () => events.push('end'))
      await sleep(5000)
      net.connect(2, 'server').on('error', (error: NodeJS.ErrnoException) => events.push(error.code))
      await sleep(5000)
      return [...events, world.nowMs]
    })
  })

  expect(seen).toEqual(['hello', 'end', 'ECONNREFUSED', 10_001])
})
