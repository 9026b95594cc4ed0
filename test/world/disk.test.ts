import { describe, expect, test } from 'vitest'
import type { SimulatedHost } from '../../harness/world/host.ts'
import { Inode } from '../../harness/world/inode.ts'
import type { SimulatedProcess } from '../../harness/world/process.ts'
import { World } from '../../harness/world/world.ts'
import type { DiskFile } from '../../src/runtime/disk.ts'
import { codeOf } from './support.ts'

interface Machine {
  readonly world: World
  readonly host: SimulatedHost
  readonly app: SimulatedProcess
}

function withMachine<T>(body: (machine: Machine) => Promise<T>, seed = 'disk', capacityBytes?: number): Promise<T> {
  const world = new World({ seed })
  return world.run(() => {
    const host = world.host('app', capacityBytes === undefined ? {} : { disk: { capacityBytes } })
    return body({ world, host, app: host.process() })
  })
}

async function makeFile(app: SimulatedProcess, path: string, content: string | Buffer): Promise<DiskFile> {
  const file = await app.disk.open(path, { create: true })
  await file.append(Buffer.from(content))
  return file
}

/** What many seeds make of one story: each distinct outcome, sorted. */
async function outcomes(seeds: number, story: (machine: Machine) => Promise<string>): Promise<string[]> {
  const seen = new Set<string>()
  for (let seed = 0; seed < seeds; seed++) seen.add(await withMachine(story, `seed ${seed}`))
  return [...seen].sort()
}

const nameOr = (host: SimulatedHost, ...paths: string[]): string =>
  paths.map(path => host.disk.contents(path)?.toString() ?? 'none').join(' ')

describe('a kill', () => {
  test('keeps the page cache: everything that was appended is there for the next process', async () => {
    await withMachine(async ({ host, app }) => {
      await makeFile(app, 'log', 'never synced')
      await app.disk.makeDirectory('a/b')
      await app.disk.rename('log', 'a/b/log')
      app.kill()
      const next = host.process()

      expect(await next.disk.list('a/b')).toEqual(['log'])
      const file = await next.disk.open('a/b/log')
      expect((await file.read(0, 100)).toString()).toBe('never synced')
    })
  })

  test('ends an append that is under way between two pages, at any of them', async () => {
    const bytes = Buffer.alloc(10_000, 'x')
    const lengths = await outcomes(60, async ({ world, host, app }) => {
      const file = await makeFile(app, 'log', '')
      void file.append(bytes)
      app.kill()
      await world.sleep(10)
      return `${host.disk.contents('log')?.length}`
    })

    expect(lengths).toEqual(['0', '10000', '4096', '8192'])
  })
})

describe('a power loss', () => {
  test('keeps what was synced, always', async () => {
    const seen = await outcomes(100, async ({ host, app }) => {
      const file = await makeFile(app, 'log', 'durable')
      await file.sync()
      host.powerLoss()
      return nameOr(host, 'log')
    })

    expect(seen).toEqual(['durable'])
  })

  test('keeps a part of what was not synced: none, all, or some up to a sector, with holes of zeros', async () => {
    const durable = Buffer.alloc(700, 'd')
    const lengths = new Set<number>()
    let holes = 0
    for (let seed = 0; seed < 300; seed++) {
      await withMachine(async ({ host, app }) => {
        const file = await makeFile(app, 'log', durable)
        await file.sync()
        await file.append(Buffer.alloc(5000, 'u'))
        host.powerLoss()
        const left = host.disk.contents('log') ?? Buffer.alloc(0)
        expect(left.subarray(0, 700).equals(durable)).toBe(true)
        lengths.add(left.length)
        const rest = left.subarray(700).toString()
        expect(rest).toMatch(/^[u\0]*$/)
        if (rest.includes('\0')) holes++
        for (let at = 1024; at < left.length; at += 512) {
          expect(new Set(left.subarray(at, Math.min(at + 512, left.length))).size).toBe(1) // a sector is whole or absent
        }
      }, `${seed}`)
    }

    expect(lengths.has(700) && lengths.has(5700)).toBe(true)
    expect(lengths.size).toBeGreaterThan(6)
    for (const length of lengths) expect(length === 700 || length === 5700 || length % 512 === 0).toBe(true)
    expect(holes).toBeGreaterThan(0)
  })

  test('what was synced before, and only that, is safe when more was appended during the sync', async () => {
    const seen = await outcomes(200, async ({ host, app }) => {
      const file = await makeFile(app, 'log', 'A'.repeat(512))
      const syncing = file.sync()
      await file.append(Buffer.from('B'.repeat(512)))
      await syncing
      host.powerLoss()
      return nameOr(host, 'log')
    })

    expect(seen.every(content => content.startsWith('A'.repeat(512)))).toBe(true)
    expect(seen.some(content => content === 'A'.repeat(512))).toBe(true)
  })

  test('keeps what lay in the page cache for longer than the write-back period', async () => {
    const seen = await outcomes(50, async ({ world, host, app }) => {
      await makeFile(app, 'log', 'old')
      await world.sleep(40_000)
      host.powerLoss()
      return nameOr(host, 'log')
    })

    expect(seen).toEqual(['old'])
  })

  test('undoes names in reverse order: an ordered prefix of what was done survives', async () => {
    const seen = await outcomes(100, async ({ host, app }) => {
      await app.disk.makeDirectory('topic')
      const file = await makeFile(app, 'topic/a', 'a')
      await file.sync()
      await app.disk.rename('topic/a', 'topic/b')
      await app.disk.rename('topic/b', 'topic/c')
      await app.disk.rename('topic', 'moved')
      host.powerLoss()
      return nameOr(host, 'topic/a', 'topic/b', 'topic/c', 'moved/c')
    })

    expect(seen).toEqual(['a none none none', 'none a none none', 'none none a none', 'none none none a'])
  })

  test('brings a file back that was replaced or removed', async () => {
    const replaced = await outcomes(60, async ({ host, app }) => {
      await (await makeFile(app, 'checkpoint', 'old')).sync()
      await (await makeFile(app, 'checkpoint.tmp', 'new')).sync()
      await app.disk.rename('checkpoint.tmp', 'checkpoint')
      host.powerLoss()
      return nameOr(host, 'checkpoint', 'checkpoint.tmp')
    })
    const removed = await outcomes(60, async ({ host, app }) => {
      await (await makeFile(app, 'log', 'bytes')).sync()
      await app.disk.remove('log')
      host.powerLoss()
      return nameOr(host, 'log')
    })

    expect(replaced).toEqual(['new none', 'old new'])
    expect(removed).toEqual(['bytes', 'none'])
  })

  test('after syncDirectory, or any sync, or five seconds the names stay', async () => {
    const ways: ((machine: Machine) => Promise<unknown>)[] = [
      ({ app }) => app.disk.syncDirectory('.'),
      async ({ app }) => (await app.disk.open('renamed')).sync(),
      ({ world }) => world.sleep(5001),
    ]
    for (const way of ways) {
      const seen = await outcomes(40, async machine => {
        const { host, app } = machine
        await (await makeFile(app, 'log', 'bytes')).sync()
        await app.disk.rename('log', 'renamed')
        await way(machine)
        host.powerLoss()
        return nameOr(host, 'log', 'renamed')
      })

      expect(seen).toEqual(['none bytes'])
    }
  })

  test('a truncation that was not synced may be undone, with the bytes of before', async () => {
    const unsynced = await outcomes(100, async ({ host, app }) => {
      const file = await makeFile(app, 'log', '0123456789')
      await file.sync()
      await file.truncate(6)
      await file.truncate(3)
      host.powerLoss()
      return nameOr(host, 'log')
    })

    expect(unsynced).toEqual(['012', '012345', '0123456789'])
  })

  test('a truncation stays after a sync of its file or of any other, or after five seconds', async () => {
    const ways: ((machine: Machine, file: DiskFile) => Promise<unknown>)[] = [
      (_, file) => file.sync(),
      async ({ app }) => (await makeFile(app, 'other', 'bytes')).sync(),
      ({ world }) => world.sleep(5001),
    ]
    for (const way of ways) {
      const seen = await outcomes(40, async machine => {
        const { host, app } = machine
        const file = await makeFile(app, 'log', '0123456789')
        await file.sync()
        await file.truncate(3)
        await way(machine, file)
        host.powerLoss()
        return nameOr(host, 'log')
      })

      expect(seen).toEqual(['012'])
    }
  })

  test('bytes appended after a truncation are not safe because the ones before them were', async () => {
    const seen = await outcomes(200, async ({ host, app }) => {
      const file = await makeFile(app, 'log', 'D'.repeat(2048))
      await file.sync()
      await file.truncate(1024)
      await file.truncate(512)
      await file.append(Buffer.alloc(1536, 'n'))
      host.powerLoss()
      return (nameOr(host, 'log').match(/D+|n+|\0+/g) ?? [])
        .map(run => `${run[0] === '\0' ? '0' : run[0]}${run.length}`)
        .join(' ')
    })

    expect(seen).toContain('D512')
    expect(seen).toContain('D2048')
    expect(seen).toContain('D512 n1536')
  })
})

describe('faults of the disk', () => {
  test('a full disk takes no bytes and no new files, but reads, renames and removals work', async () => {
    await withMachine(async ({ host, app }) => {
      const file = await makeFile(app, 'log', 'before')
      host.disk.full = true

      expect(await codeOf(file.append(Buffer.from('x')))).toBe('ENOSPC')
      expect(await codeOf(app.disk.open('other', { create: true }))).toBe('ENOSPC')
      expect((await file.read(0, 100)).toString()).toBe('before')
      await app.disk.rename('log', 'renamed')
      host.disk.full = false
      await file.append(Buffer.from(' after'))
      expect(host.disk.contents('renamed')?.toString()).toBe('before after')
    })
  })

  test('a disk of a certain size takes what fits, tells how much that was, and has room again after a removal', async () => {
    await withMachine(
      async ({ app }) => {
        const file = await makeFile(app, 'one', Buffer.alloc(900))
        const two = await makeFile(app, 'two', '')

        expect(await codeOf(two.append(Buffer.alloc(200)))).toBe('ENOSPC')
        expect(two.size).toBe(100)
        await file.close()
        await app.disk.remove('one')
        await two.append(Buffer.alloc(200))
        expect(two.size).toBe(300)
      },
      'capacity',
      1000,
    )
  })

  test('a slow disk takes longer for everything', async () => {
    const durations = await withMachine(async ({ world, host, app }) => {
      const file = await makeFile(app, 'log', '')
      const measure = async (slowness: number): Promise<number> => {
        host.disk.slowness = slowness
        const startedMs = world.nowMs
        await file.append(Buffer.alloc(40_960))
        return world.nowMs - startedMs
      }
      return [await measure(1), await measure(100)]
    })

    expect(durations).toEqual([0.018, 1.8])
  })

  test('bytes that go to the disk are part of the digest', async () => {
    const digestOf = async (content: string): Promise<string> => {
      const world = new World({ seed: 'digest' })
      await world.run(async () => void (await makeFile(world.host('app').process(), 'log', content)))
      return world.trace.digest()
    }

    expect(await digestOf('one')).toBe(await digestOf('one'))
    expect(await digestOf('one')).not.toBe(await digestOf('two'))
  })
})

test('a flipped bit is read back as it is', () => {
  const inode = new Inode()
  inode.append(Buffer.from([0, 0, 0]), 0)

  inode.flipBit(1, 3)
  inode.flipBit(99, 0)

  expect([...inode.read(0, 3)]).toEqual([0, 8, 0])
})

describe('whoever watches a disk', () => {
  test('hears of every change as it begins, before any of it is done', async () => {
    await withMachine(async ({ host, app }) => {
      const heard: string[] = []
      const file = await app.disk.open('log', { create: true })
      host.disk.onOperation = (operation, path) =>
        heard.push(`${operation} ${path}: ${host.disk.list('').join()} ${file.size}`)

      await file.append(Buffer.from('abc'))
      await file.sync()
      await file.truncate(1)
      await app.disk.rename('log', 'other')
      await app.disk.syncDirectory('')
      await app.disk.remove('other')

      expect(heard).toEqual([
        'append log: log 0',
        'sync log: log 3',
        'truncate log: log 3',
        'rename other: log 1',
        'sync : other 1',
        'remove other: other 1',
      ])
    })
  })
})

describe('a disk whose syncs fail', () => {
  test('says so, and drops what it should have written although later syncs succeed: the next power loss shows it', async () => {
    await withMachine(async ({ host, app }) => {
      const file = await makeFile(app, 'log', 'abc')
      host.disk.failsSyncs = true
      expect(await codeOf(file.sync())).toBe('EIO')
      host.disk.failsSyncs = false
      await file.append(Buffer.from('def'))
      await file.sync()
      await app.disk.syncDirectory('')
      expect(nameOr(host, 'log')).toBe('abcdef')

      host.powerLoss()
      host.boot()

      expect(host.disk.contents('log')).toEqual(Buffer.from('\0\0\0def'))
    })
  })

  test('takes nothing of what was synced before', async () => {
    await withMachine(async ({ host, app }) => {
      const file = await makeFile(app, 'log', 'abc')
      await file.sync()
      host.disk.failsSyncs = true
      await file.sync().catch(() => undefined)

      host.powerLoss()

      expect(nameOr(host, 'log')).toBe('abc')
    })
  })
})

describe('a disk that is replaced', () => {
  test('has nothing below the directory it stood for, and keeps the rest, whatever loses power later', async () => {
    await withMachine(async ({ host, app }) => {
      await app.disk.makeDirectory('data/topic-0')
      await app.disk.makeDirectory('database')
      await makeFile(app, 'data/topic-0/log', 'abc')
      const other = await makeFile(app, 'database/log', 'def')
      await other.sync()

      host.disk.wipe('data')
      host.powerLoss()
      host.boot()

      expect(host.disk.list('')).toEqual(['data', 'database'])
      expect(host.disk.list('data')).toEqual([])
      expect(nameOr(host, 'data/topic-0/log', 'database/log')).toBe('none def')
    })
  })
})

test('a disk that rots gives other bytes than were written, in one place', async () => {
  await withMachine(async ({ host, app }) => {
    await makeFile(app, 'log', 'abc')

    expect(host.disk.rot('log', 1, 0)).toBe(true)

    expect(nameOr(host, 'log')).toBe('acc')
    expect(host.disk.rot('log', 3, 0)).toBe(false)
    expect(host.disk.rot('other', 0, 0)).toBe(false)
    expect(host.disk.filesIn('')).toEqual([])
  })
})
