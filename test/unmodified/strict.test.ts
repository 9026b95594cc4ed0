import { execFile } from 'node:child_process'
import crypto from 'node:crypto'
import dgram from 'node:dgram'
import dns from 'node:dns'
import fs from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import zlib from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { installUnmodified } from '../../harness/unmodified/install.ts'
import { watchEscapes } from '../../harness/unmodified/strict.ts'
import type { DrainName } from '../../harness/world/drain.ts'
import { World } from '../../harness/world/world.ts'

const capturedBefore = { setTimeout, setImmediate }
installUnmodified()

const ignore = (): void => {}

/** Runs a body as an application in a strict world and gives the world's verdict. */
async function strictly(body: () => unknown, drain: DrainName = 'tick'): Promise<string> {
  const world = new World({ seed: 'strict', drain })
  const stop = watchEscapes(world)
  try {
    await world.run(async () => {
      world
        .host('app')
        .process()
        .run(() => void body())
      await world.sleep(10)
    })
    return 'stayed inside'
  } catch (error) {
    return String(error)
  } finally {
    stop()
  }
}

const escapes: Record<string, { readonly body: () => unknown; readonly api: string }> = {
  'fs.readFile with a callback': { body: () => fs.readFile('/etc/hosts', ignore), api: 'readFile of node:fs' },
  'fs/promises': { body: () => readFile('/etc/hosts').catch(ignore), api: 'readFile of node:fs/promises' },
  'a name server query': { body: () => dns.resolve4('localhost', ignore), api: 'queryA of node:dns/callback_resolver' },
  'a compressing stream': { body: () => zlib.createGzip().destroy(), api: 'createGzip of node:zlib' },
  'a digest of Web Crypto': { body: () => crypto.subtle.digest('SHA-1', Buffer.alloc(1)), api: 'HASHREQUEST' },
  'key generation': {
    body: () => crypto.generateKeyPair('ed25519', undefined, ignore),
    api: 'generateKeyPair of node:crypto',
  },
  'a child process': { body: () => execFile('true'), api: 'execFile of node:child_process' },
  'a worker thread': { body: () => new Worker('0', { eval: true }).terminate(), api: 'new Worker of node:worker' },
  'a datagram socket': { body: () => dgram.createSocket('udp4').close(), api: 'createSocket of node:dgram' },
  'a message port': { body: () => new MessageChannel().port1.close(), api: 'MESSAGEPORT' },
  'a real timer that was captured before installation': {
    body: () => clearTimeout(capturedBefore.setTimeout(ignore, 0)),
    api: 'setTimeout of node:timers',
  },
  'a real immediate that was captured before installation': {
    body: () => clearImmediate(capturedBefore.setImmediate(ignore)),
    api: 'setImmediate of node:timers',
  },
}

describe('in strict mode an operation of the real machine fails the world', () => {
  for (const [name, { body, api }] of Object.entries(escapes)) {
    test(`${name} is named, with the line that called it`, async () => {
      const verdict = await strictly(body)

      expect(verdict).toMatch(/^WorldError: at \d/)
      expect(verdict).toContain(api)
      expect(verdict).toContain('app started a real asynchronous operation')
      expect(verdict).toContain('strict.test.ts:')
    })
  }
})

describe('in strict mode what stays inside the world is allowed', () => {
  const allowed: Record<string, () => unknown> = {
    'virtual timers and immediates': () => setTimeout(() => setImmediate(ignore), 3),
    'promises, ticks and microtasks': () =>
      Promise.resolve().then(() => process.nextTick(() => queueMicrotask(ignore))),
    'synchronous compression': () => zlib.gunzipSync(zlib.gzipSync('x')),
    'one-shot asynchronous compression': () => zlib.gzip('x', ignore),
    'synchronous and asynchronous key derivation': () => {
      crypto.pbkdf2Sync('a', 'b', 1, 8, 'sha256')
      crypto.pbkdf2('a', 'b', 1, 8, 'sha256', ignore)
      crypto.scrypt('a', 'b', 8, ignore)
    },
    'random bytes': () => crypto.randomBytes(8, ignore),
    'name look-up': () => dns.lookup('app', ignore),
    'reading a file synchronously': () => fs.readFileSync('/etc/hosts'),
    'writing to the console': () => console.debug('a line from a strict world'),
  }
  for (const drain of ['tick', 'immediate'] as const) {
    for (const [name, body] of Object.entries(allowed)) {
      test(`${name} (drain ${drain})`, async () => {
        expect(await strictly(body, drain)).toBe('stayed inside')
      })
    }
  }
})

test('what other code does meanwhile, or the same code after the trial, is its own business', async () => {
  const world = new World({ seed: 'strict' })
  const stop = watchEscapes(world)
  await world.run(() => world.sleep(1))

  const hosts = await readFile('/etc/hosts', 'utf8')
  stop()

  expect(hosts).not.toBe('')
})
