import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readLogs } from '../../harness/trial/log-reader.ts'
import { TrialError } from '../../harness/trial/result.ts'
import { World } from '../../harness/world/world.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { onStage, TOPIC } from '../faults/stage.ts'
import { batchOf, type ScriptedLog, serveLog } from './scripted-log.ts'

const PORT = 9092

interface Reading {
  readonly requests: readonly string[]
  readonly tookMs: number
  readonly result: unknown
}

/** What the reader makes of a scripted partition: the records' ids with the bounds, or the error. */
async function read(log: ScriptedLog): Promise<Reading> {
  const world = new World({ seed: 'log-reader' })
  return await world.run(async () => {
    const requests = await serveLog(world.host('broker').process(), PORT, log)
    const process = world.host('reader').process()
    const options = { process, bootstrap: [{ host: 'broker', port: PORT }], topic: 'records', partitions: 1 }
    const startMs = world.nowMs
    const result = await process
      .run(() => readLogs(options))
      .then(
        ([found]) => ({ ...found, records: found?.records.map(({ offset, id }) => `${offset} ${id}`) }),
        (error: unknown) => error,
      )
    return { requests, tookMs: world.nowMs - startMs, result }
  })
}

function sound(last: number): ScriptedLog {
  return {
    offset: which => ({ offset: which === 'start' ? 0 : last + 1 }),
    fetch: from => ({ records: batchOf(from, last) }),
  }
}

describe('readLogs', () => {
  it('reads what a broker has of every partition, with the checksums of the values', async () => {
    await onStage(async stage => {
      const client = await stage.connect()
      await stage.produce(client)
      await stage.produce(client, 20)
      const process = stage.world.host('reader').process()
      const { name: host, port } = stage.broker
      const bootstrap = [{ host, port }]

      const [log] = await process.run(() => readLogs({ process, bootstrap, topic: TOPIC, partitions: 1 }))

      expect(log).toEqual({
        partition: 0,
        logStartOffset: 0,
        endOffset: 2,
        records: [
          { offset: 0, id: '(no key)', valueCrc: crc32(Buffer.alloc(10)) },
          { offset: 1, id: '(no key)', valueCrc: crc32(Buffer.alloc(20)) },
        ],
      })
      await stage.world.sleep(100)
      expect(stage.broker.server?.inspect().connectionCount).toBe(1)
    })
  })

  it('reads nothing of an empty partition', async () => {
    const { result, requests } = await read({ ...sound(0), offset: () => ({ offset: 7 }) })

    expect(result).toEqual({ partition: 0, logStartOffset: 7, endOffset: 7, records: [] })
    expect(requests).toEqual(['start', 'end'])
  })

  it('skips the records of a batch that lie before where it reads from', async () => {
    const { result } = await read({
      offset: which => ({ offset: which === 'start' ? 2 : 4 }),
      fetch: () => ({ records: batchOf(0, 3) }),
    })

    expect(result).toMatchObject({ logStartOffset: 2, endOffset: 4, records: ['2 r2', '3 r3'] })
  })

  it('goes on while the tail still moves, and ends when it stands still', async () => {
    const ends = [1, 2, 4]
    const { result, requests } = await read({
      offset: (which, nth) => ({ offset: which === 'start' ? 0 : (ends[nth] ?? 4) }),
      fetch: from => ({ records: batchOf(from, from) }),
    })

    expect(result).toMatchObject({ endOffset: 4, records: ['0 r0', '1 r1', '2 r2', '3 r3'] })
    expect(requests).toEqual(['start', 'end', 'fetch 0', 'end', 'fetch 1', 'end', 'fetch 2', 'fetch 3', 'end'])
  })

  it('waits for a partition that has no leader yet, be it asked for its offsets or for its records', async () => {
    const errors = [ErrorCode.LEADER_NOT_AVAILABLE, ErrorCode.NOT_LEADER_OR_FOLLOWER]
    const none = Buffer.alloc(0)
    const log = sound(1)

    const { result, tookMs } = await read({
      offset: (which, nth) => ({
        ...log.offset(which, nth),
        ...(which === 'start' ? { errorCode: errors[nth] ?? 0 } : {}),
      }),
      fetch: (from, nth, epoch) =>
        nth < 2 ? { records: none, errorCode: errors[nth] ?? 0 } : log.fetch(from, nth, epoch),
    })

    expect(result).toMatchObject({ records: ['0 r0', '1 r1'] })
    expect(tookMs).toBeGreaterThan(2000)
    expect(tookMs).toBeLessThan(2100)
  })

  it('finds a lack of liveness in a partition that gets no leader', async () => {
    const { result, tookMs } = await read({
      ...sound(1),
      offset: () => ({ offset: -1, errorCode: ErrorCode.LEADER_NOT_AVAILABLE }),
    })

    expect(result).toEqual(
      new TrialError('liveness', 'records-0 cannot be read after healing: ListOffsets answered LEADER_NOT_AVAILABLE'),
    )
    expect(result).toMatchObject({ kind: 'liveness' })
    expect(tookMs).toBeGreaterThan(120_000)
    expect(tookMs).toBeLessThan(122_000)
  })

  it.each([
    [
      'an error that waiting cannot help',
      { fetch: () => ({ records: Buffer.alloc(0), errorCode: 1 }) },
      /OFFSET_OUT_OF_RANGE/,
    ],
    ['no record before the end', { fetch: () => ({ records: Buffer.alloc(0) }) }, /Fetch gave nothing at offset 0/],
    ['an end of the connection', { fetch: () => undefined }, /records-0 cannot be read after healing: disconnected/],
  ])('finds a lack of liveness in a broker that answers with %s', async (_, part, message) => {
    const { result } = await read({ ...sound(3), ...part })

    expect(result).toMatchObject({ name: 'TrialError', kind: 'liveness', message: expect.stringMatching(message) })
  })

  it('finds a lack of liveness in a broker that refuses connections', async () => {
    const world = new World({ seed: 'log-reader' })
    const reading = world.run(async () => {
      world.host('broker')
      const process = world.host('reader').process()
      const bootstrap = [{ host: 'broker', port: PORT }]
      return await process.run(() => readLogs({ process, bootstrap, topic: 'records', partitions: 1 }))
    })

    await expect(reading).rejects.toMatchObject({ kind: 'liveness', message: expect.stringContaining('ECONNREFUSED') })
  })
})
