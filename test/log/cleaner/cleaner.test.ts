import { describe, expect, test } from 'vitest'
import { LogCleaningAbortedError } from '../../../src/log/cleaner/cleaner-errors.ts'
import { readLogDirectory } from '../../../src/log/inspect.ts'
import type { UnifiedLog } from '../../../src/log/unified-log.ts'
import { buildBatch, COMPRESSION_CODECS, CorruptRecordError } from '../../../src/protocol/records/batch.ts'
import { commit, createLogWorld, DIRECTORY, type LogWorld, openLog, restarted, withFile } from '../log-fixture.ts'
import { batchesIn, COMPACTED, clean, compacted, contents, keyed, START_MS, segmentOf } from './cleaner-fixture.ts'

const DAY_MS = 86_400_000

async function compactedLog(settings = COMPACTED): Promise<{ world: LogWorld; log: UnifiedLog }> {
  const world = await createLogWorld()
  return { world, log: await openLog(world, { config: settings }) }
}

async function findings({ runtime }: LogWorld) {
  return (await readLogDirectory(runtime.disk, DIRECTORY, { compacted: true })).findings
}

describe('cleaning', () => {
  test('keeps the last record of each key, with the offset that it had', async () => {
    const { world, log } = await compactedLog()
    await segmentOf(log, 'a=1 b=1 c=1', 'a=2')
    await segmentOf(log, 'b=2', 'd=1 a=3')
    await log.appendAsLeader(keyed('c=9'), 0)
    commit(log)

    const { endOffset } = await clean(world, log)

    expect(endOffset).toBe(7)
    expect(await contents(log)).toEqual(['2:c=1', '4:b=2', '5:d=1', '6:a=3', '7:c=9'])
    expect([log.logStartOffset, log.logEndOffset]).toEqual([0, 8])
    expect(await findings(world)).toEqual([])
  })

  test('does not touch the active segment, nor what is not committed', async () => {
    const { world, log } = await compactedLog()
    await segmentOf(log, 'a=1', 'a=2')
    await log.appendAsLeader(keyed('b=1'), 0)
    await log.appendAsLeader(keyed('b=2'), 0)
    await log.roll()
    await log.appendAsLeader(keyed('c=1 c=2'), 0)

    expect((await clean(world, log)).endOffset).toBe(2)

    expect(await contents(log)).toEqual(['1:a=2', '2:b=1', '3:b=2', '4:c=1', '5:c=2'])
  })

  test('puts small segments together, as far as segment.bytes allows', async () => {
    const { world, log } = await compactedLog(compacted({ 'internal.segment.bytes': 250 }))
    for (const key of ['a', 'b', 'c', 'd', 'e']) await segmentOf(log, `${key}=1`)

    await clean(world, log)

    expect(log.segments.map(segment => segment.baseOffset)).toEqual([0, 3, 5])
    expect(await contents(log)).toEqual(['0:a=1', '1:b=1', '2:c=1', '3:d=1', '4:e=1'])
    expect(await findings(world)).toEqual([])
  })

  test('a reader whose offset is in a hole goes on at the next record', async () => {
    const { world, log } = await compactedLog()
    await segmentOf(log, 'a=1', 'a=2', 'a=3', 'b=1')
    await segmentOf(log, 'c=1')
    await clean(world, log)
    expect(await contents(log, 1)).toEqual(['2:a=3', '3:b=1', '4:c=1'])
    expect(await contents(log, 2)).toEqual(['2:a=3', '3:b=1', '4:c=1'])
  })

  test('only what is dirty supersedes, and everything that is clean is copied', async () => {
    const { world, log } = await compactedLog()
    await segmentOf(log, 'a=1 b=1 a=2')
    const first = await clean(world, log)
    await segmentOf(log, 'b=2 c=1')
    const second = await clean(world, log, { from: first.endOffset })
    expect([first.endOffset, second.endOffset]).toEqual([3, 5])
    expect(await contents(log)).toEqual(['2:a=2', '3:b=2', '4:c=1'])
    expect([second.stats.mapMessagesRead, second.stats.messagesRead, second.stats.messagesWritten]).toEqual([2, 4, 3])
  })

  test('with room for few keys it cleans as far as these go, and the rest the next time', async () => {
    const { world, log } = await compactedLog()
    await segmentOf(log, 'a=1', 'b=1', 'a=2', 'c=1', 'b=2', 'c=2')

    const first = await clean(world, log, { slots: 3 })

    expect(first.endOffset).toBe(4)
    expect(await contents(log)).toEqual(['1:b=1', '2:a=2', '3:c=1', '4:b=2', '5:c=2'])
    await clean(world, log, { from: first.endOffset, slots: 3 })
    expect(await contents(log)).toEqual(['2:a=2', '4:b=2', '5:c=2'])
  })

  test.each(COMPRESSION_CODECS)('keeps codec %s, leader epoch and timestamps of a batch', async compression => {
    const { world, log } = await compactedLog()
    await log.appendAsLeader(keyed('a=1 b=1 c=1', { compression, timestamp: START_MS - 5 }), 4)
    await log.appendAsLeader(keyed('b=2'), 4)
    await log.roll()
    commit(log)

    await clean(world, log)

    const [batch] = await batchesIn(log)
    expect([batch?.compression, batch?.partitionLeaderEpoch, batch?.recordCount]).toEqual([compression, 4, 2])
    expect([...(batch?.records() ?? [])].map(record => record.timestamp)).toEqual([START_MS - 5, START_MS - 5])
    expect(await contents(log)).toEqual(['0:a=1', '2:c=1', '3:b=2'])
    expect(await findings(world)).toEqual([])
  })

  test('takes batches larger than its buffer', async () => {
    const { world, log } = await compactedLog()
    await segmentOf(log, `a=${'x'.repeat(5000)} b=1`, 'b=2', `c=${'y'.repeat(3000)}`)
    await clean(world, log, { ioBufferSize: 100 })
    expect((await contents(log)).map(text => text.slice(0, 4))).toEqual(['0:a=', '2:b=', '3:c='])
    expect(await findings(world)).toEqual([])
  })

  test('leaves out records without a key, from when the topic was not compacted yet', async () => {
    const { world, log } = await compactedLog(compacted({ 'cleanup.policy': 'delete' }))
    await log.appendAsLeader(buildBatch({ records: [{ value: Buffer.from('x'), timestamp: START_MS }] }), 0)
    await segmentOf(log, 'a=1')
    log.updateConfig(COMPACTED)
    const { stats } = await clean(world, log)
    expect(await contents(log)).toEqual(['1:a=1'])
    expect(stats.invalidMessagesRead).toBe(1)
  })

  test('refuses a segment with bytes that are no batch, and leaves it as it is', async () => {
    const { world, log } = await compactedLog()
    await segmentOf(log, 'a=1')
    const sound = await world.runtime.disk.list(DIRECTORY)
    await segmentOf(log, 'a=2')
    await withFile(world.runtime, `${DIRECTORY}/00000000000000000000.log`, async file => {
      const bytes = await file.read(0, file.size)
      bytes.writeInt32BE(5000, 8)
      await file.truncate(0)
      await file.append(bytes)
    })
    await expect(clean(world, log)).rejects.toThrow(CorruptRecordError)
    expect(await world.runtime.disk.list(DIRECTORY)).toEqual(expect.arrayContaining(sound))
    expect((await world.runtime.disk.list(DIRECTORY)).filter(name => name.endsWith('.cleaned'))).toEqual([])
  })

  test('ends at once when it is to end, and leaves nothing behind', async () => {
    const { world, log } = await compactedLog()
    await segmentOf(log, 'a=1 a=2')
    await segmentOf(log, 'a=3')
    let asked = 0
    const checkDone = () => {
      if (++asked > 5) throw new LogCleaningAbortedError('enough')
    }
    await expect(clean(world, log, { checkDone })).rejects.toThrow(LogCleaningAbortedError)
    expect(await contents(log)).toEqual(['0:a=1', '1:a=2', '2:a=3'])
    expect((await world.runtime.disk.list(DIRECTORY)).filter(name => name.endsWith('.cleaned'))).toEqual([])
  })
})

describe('indexes of what was cleaned', () => {
  test('lead to the records by offset and by time, before and after a restart', async () => {
    const { world, log } = await compactedLog()
    for (let index = 0; index < 40; index++) {
      const timestamp = START_MS + index * 1000
      await log.appendAsLeader(keyed(`k${index % 2 === 0 ? 'same' : index}=${index}`, { timestamp }), 0)
    }
    await log.roll()
    commit(log)
    await clean(world, log)

    const check = async (opened: UnifiedLog) => {
      expect(opened.segments[0]?.offsetIndex.entries).toBeGreaterThan(3)
      for (let offset = 0; offset < 40; offset++) {
        const expected = offset % 2 === 1 || offset >= 38 ? offset : offset + 1
        expect((await contents(opened, offset))[0]).toMatch(new RegExp(`^${expected}:`))
        const found = await opened.fetchOffsetByTimestamp(START_MS + offset * 1000)
        expect(found).toEqual({ offset: expected, timestamp: START_MS + expected * 1000, leaderEpoch: 0 })
      }
    }
    await check(log)
    expect(await findings(world)).toEqual([])
    await log.closeCleanly()
    await check(await openLog(await restarted(world), { config: COMPACTED, hadCleanShutdown: true }))
  })
})

describe('tombstones', () => {
  test('get their horizon when they are first cleaned, and go when it is over', async () => {
    const { world, log } = await compactedLog(compacted({ 'delete.retention.ms': DAY_MS }))
    await segmentOf(log, 'a=1 b=1', 'a b=2')
    const first = await clean(world, log)
    expect(await contents(log)).toEqual(['2:a', '3:b=2'])
    const horizons = (await batchesIn(log)).map(batch => batch.deleteHorizonMs)
    expect(horizons).toEqual([world.runtime.clock.wallMs() + DAY_MS])

    await world.runtime.advance(DAY_MS - 1)
    await segmentOf(log, 'c=1')
    const second = await clean(world, log, { from: first.endOffset })
    expect(await contents(log)).toEqual(['2:a', '3:b=2', '4:c=1'])
    expect((await batchesIn(log))[0]?.deleteHorizonMs).toBe(horizons[0])

    await world.runtime.advance(1)
    await segmentOf(log, 'd=1')
    await clean(world, log, { from: second.endOffset })
    expect(await contents(log)).toEqual(['3:b=2', '4:c=1', '5:d=1'])
    expect(await findings(world)).toEqual([])
  })

  test('stay for ever where delete.retention.ms is the largest there is', async () => {
    const { world, log } = await compactedLog(compacted({ 'delete.retention.ms': '9223372036854775807' }))
    await segmentOf(log, 'a=1', 'a')
    const { endOffset } = await clean(world, log)
    await world.runtime.advance(10 * DAY_MS)
    await segmentOf(log, 'b=1')
    await clean(world, log, { from: endOffset })
    expect(await contents(log)).toEqual(['1:a', '2:b=1'])
    expect((await batchesIn(log))[0]?.maxTimestamp).toBe(START_MS)
  })

  test('take away the value that they delete also when both are clean only after two rounds', async () => {
    const { world, log } = await compactedLog(compacted({ 'delete.retention.ms': 0 }))
    await segmentOf(log, 'a=1')
    const first = await clean(world, log)
    await segmentOf(log, 'a')
    const second = await clean(world, log, { from: first.endOffset })
    expect(await contents(log)).toEqual(['1:a'])
    await segmentOf(log, 'z=1')
    await clean(world, log, { from: second.endOffset })
    expect(await contents(log)).toEqual(['2:z=1'])
  })
})

describe('what producers need', () => {
  const producer = (baseSequence: number) => ({ producerId: 9, producerEpoch: 1, baseSequence })

  test('the last batch of a producer stays, without records, so that it is still recognised after a restart', async () => {
    const { world, log } = await compactedLog()
    await log.appendAsLeader(keyed('a=1', producer(0)), 0)
    await log.appendAsLeader(keyed('a=2 b=2', producer(1)), 0)
    await segmentOf(log, 'a=3 b=3 c=1')

    await clean(world, log)

    expect(await contents(log)).toEqual(['3:a=3', '4:b=3', '5:c=1'])
    const [empty] = await batchesIn(log)
    expect([empty?.baseOffset, empty?.lastOffset, empty?.recordCount, empty?.lastSequence]).toEqual([1, 2, 0, 2])
    const reopened = await openLog(await restarted(world), { config: COMPACTED })
    const repeated = await reopened.appendAsLeader(keyed('a=2 b=2', producer(1)), 0)
    expect([repeated.duplicate, repeated.firstOffset]).toEqual([true, 1])
    expect((await reopened.appendAsLeader(keyed('a=4', producer(3)), 0)).firstOffset).toBe(6)
  })

  test('it goes when the producer has written another', async () => {
    const { world, log } = await compactedLog()
    await log.appendAsLeader(keyed('a=1', producer(0)), 0)
    await segmentOf(log, 'a=2')
    const { endOffset } = await clean(world, log)
    await log.appendAsLeader(keyed('b=1', producer(1)), 0)
    await segmentOf(log, 'c=1')
    await clean(world, log, { from: endOffset })
    expect((await batchesIn(log)).map(batch => [batch.baseOffset, batch.recordCount])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
    ])
  })

  test('the last batch of a round stays, so that the log keeps its end', async () => {
    const { world, log } = await compactedLog(compacted({ 'delete.retention.ms': 0 }))
    await segmentOf(log, 'a=1', 'b')
    const { endOffset } = await clean(world, log)
    expect(endOffset).toBe(2)
    await world.runtime.advance(1)
    // The tombstone is in the last batch of the round, which stays when its record goes.
    await clean(world, log, { from: 0 })
    expect((await batchesIn(log)).map(batch => [batch.lastOffset, batch.recordCount])).toEqual([
      [0, 1],
      [1, 0],
    ])
  })
})

describe('appends and reads while a log is cleaned', () => {
  test('neither wait for it, nor are lost', async () => {
    const { world, log } = await compactedLog()
    for (let index = 0; index < 20; index++) await log.appendAsLeader(keyed(`k${index % 3}=${index}`), 0)
    await log.roll()
    commit(log)
    const [{ endOffset }] = await Promise.all([
      clean(world, log, { ioBufferSize: 200 }),
      (async () => {
        for (let index = 20; index < 30; index++) {
          await log.appendAsLeader(keyed(`k${index % 3}=${index}`), 0)
          expect((await contents(log)).at(-1)).toBe(`${index}:k${index % 3}=${index}`)
        }
      })(),
    ])
    expect(endOffset).toBe(20)
    expect((await contents(log)).slice(0, 4)).toEqual(['17:k2=17', '18:k0=18', '19:k1=19', '20:k2=20'])
    expect(log.logEndOffset).toBe(30)
  })

  test('a reader that began before the swap still finds what moved into the new segment', async () => {
    const { world, log } = await compactedLog(compacted({ 'internal.segment.bytes': 160 }))
    await segmentOf(log, 'a=1', 'b=1')
    await segmentOf(log, 'b=2')
    await segmentOf(log, 'c=1')
    const { endOffset } = await clean(world, log)
    await segmentOf(log, 'd=1')
    expect(log.segments.map(segment => segment.baseOffset)).toEqual([0, 2, 4, 5])
    log.updateConfig(COMPACTED)
    // Offset 1 is in a hole at the end of the first segment: its readers go on to the next, which is about to move.
    const readers: Promise<string[]>[] = []
    let done = false
    const cleaning = clean(world, log, { from: endOffset }).then(() => {
      done = true
    })
    while (!done) {
      readers.push(contents(log, 1))
      await Promise.resolve()
    }
    await cleaning
    expect(log.segments.map(segment => segment.baseOffset)).toEqual([0, 5])
    for (const found of await Promise.all(readers)) expect(found).toEqual(['2:b=2', '3:c=1', '4:d=1'])
  })
})
