import { describe, expect, test } from 'vitest'
import { type Disk, DiskError, type DiskFile } from '../../src/runtime/disk.ts'
import type { HostUnderTest } from './host-under-test.ts'

type On = (title: string, body: (disk: Disk) => Promise<void>) => void

/** What every host's disk does, in one body of tests. */
export function describeDisk(name: string, makeHost: () => HostUnderTest): void {
  const on: On = (title, body) => test(title, () => makeHost().run(({ server }) => withFilesClosed(server.disk, body)))

  describe(`disk of ${name}: files`, () => describeFiles(on))
  describe(`disk of ${name}: names`, () => describeNames(on))
  describe(`disk of ${name}: refusals`, () => describeRefusals(on))
}

/** Runs a body and closes the files that it leaves open. */
async function withFilesClosed(disk: Disk, body: (disk: Disk) => Promise<void>): Promise<void> {
  const files: DiskFile[] = []
  const open: Disk['open'] = async (path, options) => {
    const file = await disk.open(path, options)
    files.push(file)
    return file
  }
  try {
    await body(
      new Proxy(disk, {
        get(target, property) {
          if (property === 'open') return open
          const member: unknown = Reflect.get(target, property, target)
          return typeof member === 'function' ? member.bind(target) : member
        },
      }),
    )
  } finally {
    for (const file of files) await file.close()
  }
}

async function codeOf(operation: Promise<unknown>): Promise<string> {
  try {
    await operation
  } catch (error) {
    if (error instanceof DiskError) return error.code
    throw error
  }
  return 'no failure'
}

async function contentOf(disk: Disk, path: string): Promise<string> {
  const file = await disk.open(path)
  try {
    return (await file.read(0, file.size)).toString()
  } finally {
    await file.close()
  }
}

async function makeFile(disk: Disk, path: string, content: string): Promise<void> {
  const file = await disk.open(path, { create: true })
  await file.append(Buffer.from(content))
  await file.close()
}

function describeFiles(on: On): void {
  on('what is appended can be read at once, from any position', async disk => {
    const file = await disk.open('log', { create: true })

    await file.append(Buffer.from('hello '))
    await file.append(Buffer.from('world'))

    expect(file.size).toBe(11)
    expect(file.path).toBe('log')
    expect((await file.read(0, 11)).toString()).toBe('hello world')
    expect((await file.read(4, 3)).toString()).toBe('o w')
    expect((await file.read(0, 0)).length).toBe(0)
  })

  on('a read beyond the end gives what is there', async disk => {
    const file = await disk.open('log', { create: true })
    await file.append(Buffer.from('abc'))

    expect((await file.read(1, 100)).toString()).toBe('bc')
    expect((await file.read(3, 1)).length).toBe(0)
    expect((await file.read(1000, 10)).length).toBe(0)
    expect((await file.read(0, 2 ** 40)).toString()).toBe('abc')
  })

  on('bytes read are a copy: later appends and truncations do not change them', async disk => {
    const file = await disk.open('log', { create: true })
    await file.append(Buffer.from('abcdef'))
    const before = await file.read(0, 6)

    await file.truncate(0)
    await file.append(Buffer.from('XXXXXX'))

    expect(before.toString()).toBe('abcdef')
  })

  on('a mebibyte survives appending in pieces', async disk => {
    const file = await disk.open('log', { create: true })
    const bytes = Buffer.alloc(1_048_576, 'the quick brown fox ')
    for (let at = 0; at < bytes.length; at += 100_000) await file.append(bytes.subarray(at, at + 100_000))

    expect(file.size).toBe(bytes.length)
    expect((await file.read(0, bytes.length)).equals(bytes)).toBe(true)
  })

  on('truncate cuts, and appends go on from there', async disk => {
    const file = await disk.open('log', { create: true })
    await file.append(Buffer.from('0123456789'))

    await file.truncate(4)
    expect(file.size).toBe(4)
    await file.append(Buffer.from('AB'))

    expect((await file.read(0, 100)).toString()).toBe('0123AB')
  })

  on('truncate never makes a file longer', async disk => {
    const file = await disk.open('log', { create: true })
    await file.append(Buffer.from('abc'))

    await file.truncate(100)

    expect(file.size).toBe(3)
    expect((await file.read(0, 100)).toString()).toBe('abc')
  })

  on('sync and syncDirectory succeed and change nothing that can be seen', async disk => {
    await disk.makeDirectory('logs')
    const file = await disk.open('logs/log', { create: true })
    await file.append(Buffer.from('abc'))

    await file.sync()
    await disk.syncDirectory('logs')

    expect((await file.read(0, 10)).toString()).toBe('abc')
    expect(await disk.list('logs')).toEqual(['log'])
  })

  on('a file that is opened again holds what was written, and appends go to its end', async disk => {
    await makeFile(disk, 'log', 'first')

    const again = await disk.open('log')
    expect(again.size).toBe(5)
    await again.append(Buffer.from(' second'))

    expect((await again.read(0, 100)).toString()).toBe('first second')
  })

  on('create keeps what is in a file that exists', async disk => {
    await makeFile(disk, 'log', 'precious')

    const file = await disk.open('log', { create: true })

    expect(file.size).toBe(8)
  })

  on('one handle reads what another appends', async disk => {
    const writer = await disk.open('log', { create: true })
    const reader = await disk.open('log')

    await writer.append(Buffer.from('abc'))

    expect((await reader.read(0, 100)).toString()).toBe('abc')
    expect((await reader.read(2, 1)).toString()).toBe('c')
  })

  on('two handles that append in turn both append at the end', async disk => {
    const [one, two] = [await disk.open('log', { create: true }), await disk.open('log')]

    await one.append(Buffer.from('1'))
    await two.append(Buffer.from('2'))
    await one.append(Buffer.from('3'))

    expect((await two.read(0, 100)).toString()).toBe('123')
  })

  on('reads that run at the same time do not disturb each other', async disk => {
    const file = await disk.open('log', { create: true })
    await file.append(Buffer.from('abcdefghij'))

    const reads = await Promise.all(Array.from({ length: 10 }, (_, at) => file.read(at, 1)))

    expect(Buffer.concat(reads).toString()).toBe('abcdefghij')
  })
}

function describeNames(on: On): void {
  on('a directory lists its own names, sorted by code unit', async disk => {
    await disk.makeDirectory('logs/nested')
    for (const file of ['b', 'a', 'Z', '10', '9', 'nested/inner']) await makeFile(disk, `logs/${file}`, 'x')

    expect(await disk.list('logs')).toEqual(['10', '9', 'Z', 'a', 'b', 'nested'])
    expect(await disk.list('logs/nested')).toEqual(['inner'])
  })

  on('the root is called "." and is empty at first', async disk => {
    expect(await disk.list('.')).toEqual([])

    await makeFile(disk, 'log', '')
    await disk.syncDirectory('.')

    expect(await disk.list('.')).toEqual(['log'])
  })

  on('makeDirectory makes missing parents and may be called again', async disk => {
    await disk.makeDirectory('a/b/c')
    await makeFile(disk, 'a/b/c/log', 'x')
    await disk.makeDirectory('a/b/c')

    expect(await disk.list('a')).toEqual(['b'])
    expect(await disk.list('a/b/c')).toEqual(['log'])
  })

  on('rename moves a file and replaces what stood there', async disk => {
    await makeFile(disk, 'checkpoint.tmp', 'new')
    await makeFile(disk, 'checkpoint', 'old and longer')

    await disk.rename('checkpoint.tmp', 'checkpoint')

    expect(await disk.list('.')).toEqual(['checkpoint'])
    expect(await contentOf(disk, 'checkpoint')).toBe('new')
  })

  on('rename moves a directory with all it holds', async disk => {
    await disk.makeDirectory('topic-0/nested')
    await makeFile(disk, 'topic-0/log', 'bytes')
    await makeFile(disk, 'topic-0/nested/deep', 'more')

    await disk.rename('topic-0', 'topic-0.deleted')

    expect(await disk.list('.')).toEqual(['topic-0.deleted'])
    expect(await contentOf(disk, 'topic-0.deleted/log')).toBe('bytes')
    expect(await contentOf(disk, 'topic-0.deleted/nested/deep')).toBe('more')
  })

  on('an open file stays readable and writable after it was renamed', async disk => {
    const file = await disk.open('old', { create: true })
    await file.append(Buffer.from('ab'))

    await disk.rename('old', 'new')
    await file.append(Buffer.from('c'))

    expect((await file.read(0, 10)).toString()).toBe('abc')
    expect(await contentOf(disk, 'new')).toBe('abc')
  })

  on('an open file stays readable after it was removed, and its name is free', async disk => {
    const file = await disk.open('log', { create: true })
    await file.append(Buffer.from('ab'))

    await disk.remove('log')
    await makeFile(disk, 'log', 'other')

    expect((await file.read(0, 10)).toString()).toBe('ab')
    expect(await contentOf(disk, 'log')).toBe('other')
  })

  on('remove takes a directory with all it holds, and does not mind when there is nothing', async disk => {
    await disk.makeDirectory('topic/nested')
    await makeFile(disk, 'topic/nested/log', 'x')
    await makeFile(disk, 'topic-2', 'stays')

    await disk.remove('topic')
    await disk.remove('topic')
    await disk.remove('never/was')

    expect(await disk.list('.')).toEqual(['topic-2'])
  })
}

function describeRefusals(on: On): void {
  on('what does not exist is ENOENT', async disk => {
    expect(await codeOf(disk.open('missing'))).toBe('ENOENT')
    expect(await codeOf(disk.open('missing/log', { create: true }))).toBe('ENOENT')
    expect(await codeOf(disk.list('missing'))).toBe('ENOENT')
    expect(await codeOf(disk.syncDirectory('missing'))).toBe('ENOENT')
    expect(await codeOf(disk.rename('missing', 'other'))).toBe('ENOENT')
  })

  on('a file is no directory and a directory no file', async disk => {
    await makeFile(disk, 'file', 'x')
    await disk.makeDirectory('directory')

    expect(await codeOf(disk.list('file'))).toBe('ENOTDIR')
    expect(await codeOf(disk.open('file/log', { create: true }))).toBe('ENOTDIR')
    expect(await codeOf(disk.makeDirectory('file/sub'))).toBe('ENOTDIR')
    expect(await codeOf(disk.makeDirectory('file'))).toBe('EEXIST')
    expect(await codeOf(disk.open('directory', { create: true }))).toBe('EISDIR')
    expect(await codeOf(disk.rename('file', 'directory'))).toBe('EISDIR')
  })

  on('a directory does not replace one that holds something', async disk => {
    await disk.makeDirectory('from')
    await disk.makeDirectory('to')
    await makeFile(disk, 'to/log', 'x')

    expect(await codeOf(disk.rename('from', 'to'))).toBe('EEXIST')
    expect(await contentOf(disk, 'to/log')).toBe('x')
  })

  on(
    'a closed file can be closed again but does nothing else, and the error names the operation and the path',
    async disk => {
      const file = await disk.open('log', { create: true })
      await file.append(Buffer.from('abc'))
      await file.close()
      await file.close()

      expect(await codeOf(file.append(Buffer.from('x')))).toBe('EBADF')
      expect(await codeOf(file.truncate(0))).toBe('EBADF')
      expect(await codeOf(file.sync())).toBe('EBADF')
      await expect(file.read(0, 1)).rejects.toMatchObject({ code: 'EBADF', operation: 'read', path: 'log' })
      expect(await contentOf(disk, 'log')).toBe('abc')
    },
  )

  on('a path that leaves the root is refused by every operation', async disk => {
    for (const path of ['../outside', 'a/../../outside', '/etc/hosts', 'a//b', './a', '..']) {
      expect([path, await codeOf(disk.open(path, { create: true }))]).toEqual([path, 'EACCES'])
      expect([path, await codeOf(disk.list(path))]).toEqual([path, 'EACCES'])
      expect([path, await codeOf(disk.makeDirectory(path))]).toEqual([path, 'EACCES'])
      expect([path, await codeOf(disk.rename(path, 'x'))]).toEqual([path, 'EACCES'])
      expect([path, await codeOf(disk.rename('x', path))]).toEqual([path, 'EACCES'])
      expect([path, await codeOf(disk.remove(path))]).toEqual([path, 'EACCES'])
      expect([path, await codeOf(disk.syncDirectory(path))]).toEqual([path, 'EACCES'])
    }
    expect(await codeOf(disk.remove('.'))).toBe('EACCES')
  })
}
