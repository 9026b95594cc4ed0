import { describe, expect, test } from 'vitest'
import type { World } from '../../../harness/world/world.ts'
import { codeOf, dial, listen, PORT, withPair } from '../support.ts'

async function upTo(world: World, seconds: number): Promise<void> {
  await world.sleep(seconds * 1000)
}

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
