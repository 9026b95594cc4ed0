import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildBatch } from '../../src/protocol/records/build-batch.ts'
import { KafkaMetadataLog } from '../../src/raft/kafka-metadata-log.ts'
import { createManualRuntime, type ManualRuntime } from '../support/manual-runtime.ts'

const FILE = 'log/00000000000000000000.log'
const GIB = 1024 * 1024 * 1024

function batch(baseOffset: number, epoch: number, values: readonly string[]): Buffer {
  const records = values.map(value => ({ value: Buffer.from(value), timestamp: 1000 }))
  return buildBatch({ records, baseOffset, partitionLeaderEpoch: epoch })
}

async function open(runtime: ManualRuntime, segmentBytes = GIB): Promise<KafkaMetadataLog> {
  await runtime.disk.makeDirectory('log')
  return KafkaMetadataLog.open(runtime, 'log', segmentBytes)
}

async function readAll(log: KafkaMetadataLog): Promise<string[]> {
  const values: string[] = []
  for (let offset = 0; offset < log.endOffset; ) {
    for (const view of await log.read(offset, 200)) {
      for (const record of view.records()) values.push(record.value?.toString() ?? '')
      offset = view.nextOffset
    }
  }
  return values
}

/** Ten batches of two records. */
async function filled(segmentBytes = GIB): Promise<{ runtime: ManualRuntime; values: string[] }> {
  const runtime = createManualRuntime()
  const log = await open(runtime, segmentBytes)
  const values: string[] = []
  for (let index = 0; index < 10; index++) {
    const two = [`first of ${index}`, `second of ${index}`]
    await log.append(batch(index * 2, 1, two))
    values.push(...two)
  }
  await log.close()
  return { runtime, values }
}

describe('KafkaMetadataLog', () => {
  test('whatever a tail has become, what is whole before it stays and the log goes on', async () => {
    const size = (await (await filled()).runtime.disk.open(FILE)).size
    await fc.assert(
      fc.asyncProperty(fc.nat(size - 1), fc.uint8Array({ maxLength: 200 }), async (cut, tail) => {
        const { runtime, values } = await filled()
        const file = await runtime.disk.open(FILE)
        await file.truncate(cut)
        await file.append(Buffer.from(tail))

        const log = await open(runtime)
        const kept = await readAll(log)
        await log.append(batch(log.endOffset, 2, ['new']))

        expect(kept).toEqual(values.slice(0, kept.length))
        expect(kept.length).toBe(Math.floor((cut / size) * 10) * 2)
        expect(await readAll(await open(runtime))).toEqual([...kept, 'new'])
      }),
      { numRuns: 100 },
    )
  })

  test('a changed byte ends the log before its batch', async () => {
    const { runtime, values } = await filled()
    const file = await runtime.disk.open(FILE)
    const bytes = Buffer.from(await file.read(0, file.size))
    const at = Math.floor(bytes.length / 2)
    bytes[at] = (bytes[at] ?? 0) ^ 1
    await file.truncate(0)
    await file.append(bytes)

    const log = await open(runtime)

    expect(await readAll(log)).toEqual(values.slice(0, log.endOffset))
    expect(log.endOffset).toBe(10)
    expect(log.truncatedBytes).toBeGreaterThan(0)
  })

  test('files after a damaged one go with its tail', async () => {
    const { runtime, values } = await filled(250)
    const names = (await runtime.disk.list('log')).filter(name => name.endsWith('.log'))
    const second = await runtime.disk.open(`log/${names[1]}`)
    await second.truncate(second.size - 1)

    const log = await open(runtime, 250)

    expect(await readAll(log)).toEqual(values.slice(0, log.endOffset))
    expect((await runtime.disk.list('log')).filter(name => name.endsWith('.log'))).toEqual(names.slice(0, 2))
  })

  test('a missing file is no torn tail: it stops the start', async () => {
    const { runtime } = await filled(250)
    await runtime.disk.remove(FILE)

    await expect(open(runtime, 250)).rejects.toThrow('log begins at 4, but no snapshot reaches up to there')
  })

  test('a batch of an earlier epoch does not belong to the log', async () => {
    const { runtime, values } = await filled()
    const file = await runtime.disk.open(FILE)
    await file.append(batch(20, 0, ['stale']))

    expect(await readAll(await open(runtime))).toEqual(values)
  })

  test('reads batches that are larger than what is read at once', async () => {
    const runtime = createManualRuntime()
    const log = await open(runtime)
    const big = 'x'.repeat(1_000_000)
    await log.append(Buffer.concat([batch(0, 1, ['small']), batch(1, 1, [big]), batch(2, 1, ['after'])]))

    expect(await readAll(await open(runtime))).toEqual(['small', big, 'after'])
  })

  test('a file that is missing in the middle stops the start', async () => {
    const { runtime } = await filled(250)
    const names = (await runtime.disk.list('log')).filter(name => name.endsWith('.log'))
    await runtime.disk.remove(`log/${names[1]}`)

    await expect(open(runtime, 250)).rejects.toThrow('but the log before it ends at 4')
  })

  test('tells where each epoch ends, and where logs part', async () => {
    const runtime = createManualRuntime()
    const log = await open(runtime)
    for (const [offset, epoch] of [0, 1, 2, 3, 4, 5].map(at => [at, at < 2 ? 1 : at < 4 ? 3 : 6] as const)) {
      await log.append(batch(offset, epoch, [`${offset}`]))
    }

    expect([1, 2, 3, 4, 5, 6, 7].map(epoch => log.endOffsetForEpoch(epoch))).toEqual([
      { epoch: 1, offset: 2 },
      { epoch: 1, offset: 2 },
      { epoch: 3, offset: 4 },
      { epoch: 3, offset: 4 },
      { epoch: 3, offset: 4 },
      { epoch: 6, offset: 6 },
      { epoch: 6, offset: 6 },
    ])
    expect(log.endOffsetForEpoch(0)).toEqual({ epoch: 0, offset: 0 })
    expect(log.validateOffsetAndEpoch(0, 0)).toEqual({ kind: 'valid' })
    expect(log.validateOffsetAndEpoch(3, 3)).toEqual({ kind: 'valid' })
    expect(log.validateOffsetAndEpoch(6, 6)).toEqual({ kind: 'valid' })
    expect(log.validateOffsetAndEpoch(5, 3)).toEqual({ kind: 'diverging', end: { epoch: 3, offset: 4 } })
    expect(log.validateOffsetAndEpoch(3, 5)).toEqual({ kind: 'diverging', end: { epoch: 3, offset: 4 } })
    expect(log.validateOffsetAndEpoch(7, 6)).toEqual({ kind: 'diverging', end: { epoch: 6, offset: 6 } })
    expect(log.truncationOffset({ epoch: 3, offset: 3 })).toBe(3)
    expect(log.truncationOffset({ epoch: 3, offset: 9 })).toBe(4)
    expect(log.truncationOffset({ epoch: 4, offset: 9 })).toBe(4)
    expect(log.truncationOffset({ epoch: 0, offset: 0 })).toBe(0)
  })

  test.each([1_000_000, 250, 1])('what is cut off is gone for good (files of %i bytes)', async segmentBytes => {
    for (let cut = 0; cut <= 20; cut += 2) {
      const { runtime, values } = await filled(segmentBytes)
      const log = await open(runtime, segmentBytes)

      await log.truncateTo(cut)
      const kept = await readAll(log)
      await log.append(batch(cut, 2, ['new']))
      await log.close()
      const reopened = await open(runtime, segmentBytes)

      expect(kept).toEqual(values.slice(0, cut))
      expect(await readAll(reopened)).toEqual([...kept, 'new'])
      expect(reopened.lastEpoch).toBe(2)
      expect(reopened.endOffsetForEpoch(1)).toEqual({ epoch: 1, offset: cut })
    }
  })

  test('a snapshot that is ahead of the log replaces it, also when a crash has come in between', async () => {
    const { runtime } = await filled(250)
    const log = await open(runtime, 250)
    const snapshot = await log.snapshots.create({ offset: 50, epoch: 3 })
    await snapshot.append(Buffer.from('anything'))
    await snapshot.freeze()
    await log.close()

    const reopened = await open(runtime, 250)

    expect([reopened.startOffset, reopened.endOffset, reopened.lastEpoch]).toEqual([50, 50, 3])
    expect(reopened.validateOffsetAndEpoch(50, 3)).toEqual({ kind: 'valid' })
    expect(reopened.validateOffsetAndEpoch(20, 1)).toEqual({ kind: 'snapshot', id: { offset: 50, epoch: 3 } })
    await reopened.append(batch(50, 4, ['first']))
    await reopened.close()
    const again = await open(runtime, 250)
    expect([again.startOffset, again.endOffset, again.lastEpoch]).toEqual([50, 51, 4])
  })

  test('lets go of what the last snapshot but one makes superfluous', async () => {
    const { runtime, values } = await filled(250)
    const log = await open(runtime, 250)
    for (const offset of [6, 12, 16]) {
      const snapshot = await log.snapshots.create({ offset, epoch: 1 })
      await snapshot.append(Buffer.from('anything'))
      await snapshot.freeze()
      await log.clean()
    }
    await log.close()
    const names = await runtime.disk.list('log')
    const reopened = await open(runtime, 250)

    expect(names.filter(name => name.endsWith('.checkpoint'))).toEqual([
      '00000000000000000012-0000000001.checkpoint',
      '00000000000000000016-0000000001.checkpoint',
    ])
    expect(names.filter(name => name.endsWith('.log'))[0]).toBe('00000000000000000012.log')
    for (const each of [log, reopened]) expect(each.startOffset).toBe(12)
    expect(await reopened.read(11, 100)).toEqual([])
    const rest: string[] = []
    for (const view of await reopened.read(12, 100_000)) {
      for (const record of view.records()) rest.push(record.value?.toString() ?? '')
    }
    expect(rest).toEqual(values.slice(12))
  })
})
