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
    await log.append([batch(index * 2, 1, two)])
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
        await log.append([batch(log.endOffset, 2, ['new'])])

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

    await expect(open(runtime, 250)).rejects.toThrow('but the log before it ends at 0')
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
    await log.append([batch(0, 1, ['small']), batch(1, 1, [big]), batch(2, 1, ['after'])])

    expect(await readAll(await open(runtime))).toEqual(['small', big, 'after'])
  })
})
