import dns, { lookup } from 'node:dns'
import dnsPromises from 'node:dns/promises'
import { promisify } from 'node:util'
import zlib, { gunzip, gzip } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { installUnmodified } from '../../harness/unmodified/install.ts'
import { inWorld } from './in-world.ts'

installUnmodified()

const captured = { gzip: promisify(gzip), gunzip: promisify(gunzip), unzip: promisify(zlib.unzip) }
const PAIRS = [
  ['gzip', 'gunzip'],
  ['deflate', 'inflate'],
  ['deflateRaw', 'inflateRaw'],
  ['brotliCompress', 'brotliDecompress'],
  ['zstdCompress', 'zstdDecompress'],
] as const

describe('asynchronous compression in the world', () => {
  for (const [compress, expand] of PAIRS) {
    test(`${compress} and ${expand} round-trip, in and out of a trial`, async () => {
      const text = 'Kafka '.repeat(1000)
      const roundTrip = async (): Promise<[boolean, boolean]> => {
        const packed = (await promisify(zlib[compress])(text)) as Buffer
        const expanded = (await promisify(zlib[expand])(packed)) as Buffer
        return [packed.length < 100, expanded.toString() === text]
      }

      expect(await inWorld(roundTrip)).toEqual([true, true])
      expect(await roundTrip()).toEqual([true, true])
    })
  }

  test('functions promisified before the trial, options and errors work', async () => {
    const [text, fast, best, failure] = await inWorld(async () => {
      const packed = await captured.gzip('text')
      const size = async (level: number): Promise<number> => {
        const input = Buffer.from(Array.from({ length: 20_000 }, (_, at) => `${at % 97}`).join(','))
        return ((await promisify(zlib.gzip)(input, { level })) as Buffer).length
      }
      const broken: unknown = await captured.gunzip(Buffer.from('no gzip')).catch((error: unknown) => error)
      return [
        (await captured.unzip(packed)).toString(),
        await size(1),
        await size(9),
        (broken as { code: string }).code,
      ]
    })

    expect(text).toBe('text')
    expect(Number(fast)).toBeGreaterThan(Number(best))
    expect(failure).toBe('Z_DATA_ERROR')
  })
})

describe('names resolve to the machines of the world', () => {
  test('dns.lookup in every style', async () => {
    const answers = await inWorld(async world => {
      world.host('broker')
      return [
        await promisify(lookup)('broker'),
        await new Promise(done => dns.lookup('broker', { all: true }, (_error, all) => done(all))),
        await new Promise(done => dns.lookup('broker', (_error, address, family) => done([address, family]))),
        await dnsPromises.lookup('broker'),
        await dns.promises.lookup('broker', { all: true }),
        await dnsPromises.lookup('localhost'),
        await dnsPromises.lookup('10.0.0.2'),
      ]
    })

    const broker = { address: '10.0.0.2', family: 4 }
    expect(answers).toEqual([
      expect.anything(),
      [broker],
      ['10.0.0.2', 4],
      broker,
      [broker],
      { address: '10.0.0.1', family: 4 },
      broker,
    ])
  })

  test('unknown names and failing name services have the codes of Node', async () => {
    const failures = await inWorld(async world => {
      world.host('broker')
      world.network.dnsFailures.set('broker', 'EAI_AGAIN')
      const failure = async (name: string): Promise<unknown[]> => {
        const error = (await dnsPromises.lookup(name).catch((reason: unknown) => reason)) as NodeJS.ErrnoException
        return [error.code, error.errno, error.syscall, error.message]
      }
      return [await failure('nowhere'), await failure('broker')]
    })

    expect(failures).toEqual([
      ['ENOTFOUND', -3008, 'getaddrinfo', 'getaddrinfo ENOTFOUND nowhere'],
      ['EAI_AGAIN', -3001, 'getaddrinfo', 'getaddrinfo EAI_AGAIN broker'],
    ])
  })

  test('outside a trial the real name service answers', async () => {
    expect((await dnsPromises.lookup('127.0.0.1')).address).toBe('127.0.0.1')
  })
})
