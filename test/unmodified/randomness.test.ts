import nodeCrypto, {
  getRandomValues as importedGetRandomValues,
  pbkdf2,
  randomBytes,
  randomFill,
  randomFillSync,
  randomInt,
  randomUUID,
  scrypt,
  webcrypto,
} from 'node:crypto'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { installUnmodified } from '../../harness/unmodified/install.ts'
import { inWorld } from './in-world.ts'

const capturedBefore = globalThis.crypto
installUnmodified()
const capturedAfter = { randomBytes: promisify(randomBytes), pbkdf2: promisify(pbkdf2), scrypt: promisify(scrypt) }

const hex = (bytes: ArrayBufferView): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')

/** Every source of randomness that client libraries use. */
const SOURCES: Record<string, () => unknown> = {
  'Math.random': () => Math.random(),
  'randomBytes, synchronous': () => randomBytes(16).toString('hex'),
  'randomBytes with a callback': () => capturedAfter.randomBytes(16).then(bytes => bytes.toString('hex')),
  'randomUUID of node:crypto': () => randomUUID(),
  'randomUUID of the default export': () => nodeCrypto.randomUUID(),
  'crypto.randomUUID of Web Crypto': () => crypto.randomUUID(),
  'getRandomValues of Web Crypto': () => hex(crypto.getRandomValues(new Uint32Array(4))),
  'getRandomValues of an object captured before installation': () =>
    hex(capturedBefore.getRandomValues(new Uint8Array(16))),
  'getRandomValues of node:crypto': () => hex(importedGetRandomValues(new Uint8Array(16))),
  'getRandomValues of node:crypto.webcrypto': () => hex(webcrypto.getRandomValues(new Uint8Array(16))),
  randomInt: () => randomInt(1_000_000_000),
  'randomInt with a callback': () => new Promise(done => randomInt(5, 1_000_000_000, (_error, value) => done(value))),
  randomFillSync: () => hex(randomFillSync(Buffer.alloc(16))),
  'randomFill with a callback': () =>
    new Promise(done => randomFill(Buffer.alloc(16), (_error, bytes) => done(hex(bytes)))),
}

describe('randomness comes from the seed', () => {
  for (const [name, draw] of Object.entries(SOURCES)) {
    test(`${name}: the same seed gives the same, another seed something else, and so does the next draw`, async () => {
      const twice = (seed: string): Promise<unknown[]> => inWorld(async () => [await draw(), await draw()], { seed })

      const [first, second, other] = [await twice('a'), await twice('a'), await twice('b')]

      expect(second).toEqual(first)
      expect(other).not.toEqual(first)
      expect(first[0]).not.toEqual(first[1])
    })

    test(`${name}: outside a trial it is the real one`, async () => {
      expect(await draw()).not.toEqual(await draw())
    })
  }

  test('two processes draw independently of each other', async () => {
    const draws = (others: boolean): Promise<number[]> =>
      inWorld(async world => {
        if (others)
          world
            .host('other')
            .process()
            .run(() => Math.random())
        return [Math.random(), Math.random()]
      })

    expect(await draws(true)).toEqual(await draws(false))
  })

  test('a restarted process draws something else than before', async () => {
    const [before, after] = await inWorld(async world => {
      const host = world.host('server')
      return [host.process().run(() => Math.random()), host.process().run(() => Math.random())]
    })

    expect(before).not.toBe(after)
  })
})

describe('what is drawn has the right shape', () => {
  test('UUIDs are of version 4', async () => {
    const uuids = await inWorld(async () => Array.from({ length: 50 }, () => randomUUID()))

    for (const uuid of uuids)
      expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(new Set(uuids).size).toBe(50)
  })

  test('numbers keep to their range', async () => {
    const draws = await inWorld(async () =>
      Array.from({ length: 500 }, () => [randomInt(3), randomInt(10, 12), Math.random()]),
    )

    for (const [below, between, fraction] of draws) {
      expect([0, 1, 2]).toContain(below)
      expect([10, 11]).toContain(between)
      expect((fraction ?? -1) >= 0 && (fraction ?? 1) < 1).toBe(true)
    }
  })

  test('randomFillSync fills only what it is told to, counted in elements', async () => {
    const [bytes, words] = await inWorld(async () => [
      [...randomFillSync(Buffer.alloc(8), 2, 3)].map(byte => byte !== 0),
      [...randomFillSync(new Uint32Array(4), 1, 2)].map(word => word !== 0),
    ])

    expect([bytes?.slice(0, 2), bytes?.slice(5)]).toEqual([
      [false, false],
      [false, false, false],
    ])
    expect(words).toEqual([false, true, true, false])
  })
})

describe('key derivation is answered from the event loop of the world', () => {
  test('pbkdf2 and scrypt give the same keys as outside, later and never inside the call', async () => {
    const outside = [nodeCrypto.pbkdf2Sync('p', 's', 10, 16, 'sha512'), nodeCrypto.scryptSync('p', 's', 16)]
    const [inside, order] = await inWorld(async () => {
      const seen: string[] = []
      const done = new Promise<void>(resolve =>
        pbkdf2('p', 's', 10, 16, 'sha512', () => {
          seen.push('callback')
          resolve()
        }),
      )
      seen.push('returned')
      await done
      return [[await capturedAfter.pbkdf2('p', 's', 10, 16, 'sha512'), await capturedAfter.scrypt('p', 's', 16)], seen]
    })

    expect(inside).toEqual(outside)
    expect(order).toEqual(['returned', 'callback'])
  })
})
