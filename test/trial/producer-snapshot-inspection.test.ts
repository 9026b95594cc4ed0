import { describe, expect, it } from 'vitest'
import { inspectProducerSnapshots } from '../../harness/trial/producer-snapshot-inspection.ts'
import { World } from '../../harness/world/world.ts'
import { encodeProducerSnapshot } from '../../src/log/producer-snapshot.ts'
import { ProducerStateEntry } from '../../src/log/producer-state-entry.ts'
import { buildBatch } from '../../src/protocol/records/batch.ts'

const LOG = '00000000000000000000.log'
const SNAPSHOT = '00000000000000000004.snapshot'

/** Two batches of two records of producer 7. */
const BATCHES = [0, 2].map(first =>
  buildBatch({
    records: ['a', 'b'].map(value => ({ value: Buffer.from(value), timestamp: 0 })),
    producerId: 7,
    producerEpoch: 0,
    baseSequence: first,
    baseOffset: first,
  }),
)

function entry(producerId: number, lastSequence: number, lastOffset: number): ProducerStateEntry {
  return new ProducerStateEntry(producerId, 0, [{ lastSequence, lastOffset, offsetDelta: 1, timestamp: 0 }], 0)
}

/** What is found in a directory with these files. */
function inspect(files: Readonly<Record<string, Buffer>>): Promise<string[]> {
  const world = new World({ seed: 'snapshots' })
  return world.run(async () => {
    const { disk } = world.host('broker').process()
    await disk.makeDirectory('records-0')
    for (const [name, bytes] of Object.entries(files)) {
      const file = await disk.open(`records-0/${name}`, { create: true })
      await file.append(bytes)
    }
    const findings = await inspectProducerSnapshots(disk, 'records-0')
    return findings.map(({ file, message }) => `${file}: ${message}`)
  })
}

const snapshotOf = (...entries: ProducerStateEntry[]): Buffer => encodeProducerSnapshot(entries)

describe('inspectProducerSnapshots', () => {
  it('is content when the snapshot at the end of the log ends its producers as the log does', async () => {
    expect(await inspect({ [LOG]: Buffer.concat(BATCHES), [SNAPSHOT]: snapshotOf(entry(7, 3, 3)) })).toEqual([])
  })

  it('finds a producer whose last batch is another one', async () => {
    expect(await inspect({ [LOG]: Buffer.concat(BATCHES), [SNAPSHOT]: snapshotOf(entry(7, 1, 1)) })).toEqual([
      `records-0/${SNAPSHOT}: it ends producer 7 with sequence number 1 at offset 1, the log with sequence number 3 at offset 3`,
    ])
  })

  it('finds a producer that only the log or only the snapshot knows', async () => {
    expect(await inspect({ [LOG]: Buffer.concat(BATCHES), [SNAPSHOT]: snapshotOf(entry(8, 1, 1)) })).toEqual([
      `records-0/${SNAPSHOT}: it ends producer 8 with sequence number 1 at offset 1, the log with nothing`,
      `records-0/${SNAPSHOT}: it does not know producer 7, which wrote to the log`,
    ])
  })

  it('finds a snapshot beyond the end of the log, and takes no notice of older ones', async () => {
    const files = { [LOG]: BATCHES[0] as Buffer, [SNAPSHOT]: snapshotOf(entry(7, 3, 3)) }
    expect(await inspect(files)).toEqual([`records-0/${SNAPSHOT}: it tells of offset 4, but the log ends at 2`])

    const old = { '00000000000000000001.snapshot': snapshotOf() }
    expect(await inspect({ [LOG]: Buffer.concat(BATCHES), ...old, [SNAPSHOT]: snapshotOf(entry(7, 3, 3)) })).toEqual([])
  })

  it('finds no snapshot at the end of a log that has producers, and needs none without', async () => {
    expect(await inspect({ [LOG]: Buffer.concat(BATCHES) })).toEqual([
      "records-0: there is no producer snapshot at the log's end 4",
    ])
    expect(await inspect({ [LOG]: Buffer.alloc(0) })).toEqual([])
  })

  it('does not miss what the snapshot knows of records that are deleted', async () => {
    const [, second] = BATCHES
    const files = {
      '00000000000000000002.log': second as Buffer,
      [SNAPSHOT]: snapshotOf(entry(7, 3, 3), entry(8, 1, 1)),
    }
    expect(await inspect(files)).toEqual([])
  })

  it('leaves broken files to others', async () => {
    expect(await inspect({ [LOG]: Buffer.alloc(100), [SNAPSHOT]: snapshotOf(entry(7, 3, 3)) })).toEqual([])
    expect(await inspect({ [LOG]: Buffer.concat(BATCHES), [SNAPSHOT]: Buffer.from('rubbish') })).toEqual([])
  })
})
