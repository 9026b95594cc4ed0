import { describe, expect, test } from 'vitest'
import { readLogDirectory } from '../../../src/log/inspect.ts'
import { createLogWorld, DIRECTORY, fileBytes, type LogWorld, openLog, restarted, withFile } from '../log-fixture.ts'
import { COMPACTED, clean, compacted, contents, segmentOf } from './cleaner-fixture.ts'

const FIRST = `${DIRECTORY}/00000000000000000000`
const EXPECTED = ['3:b=2', '4:c=1', '5:a=3', '6:d=1']

/** A log of three segments, two of which cleaning makes one, and its process gone. */
async function dirty(settings = COMPACTED): Promise<LogWorld> {
  const world = await createLogWorld()
  const log = await openLog(world, { config: settings })
  await segmentOf(log, 'a=1 b=1', 'a=2')
  await segmentOf(log, 'b=2', 'c=1')
  await segmentOf(log, 'a=3')
  await segmentOf(log, 'd=1')
  return restarted(world)
}

/** The last value of each key, which no crash may change. */
function latest(records: readonly string[]): Record<string, string> {
  const values: Record<string, string> = {}
  for (const record of records) {
    const [, key = '', value = ''] = /^\d+:(\w+)=(\w+)$/.exec(record) ?? []
    values[key] = value
  }
  return values
}

describe('a crash while a cleaned segment takes the place of others', () => {
  test('leaves the last value of each key, a sound log and no strange files, whenever it comes', async () => {
    const seen = new Set<string>()
    for (let operations = 0; ; operations++) {
      const world = await dirty()
      const log = await openLog(world, { config: COMPACTED })
      log.updateHighWatermark(log.logEndOffset)
      let left = operations
      world.runtime.disk.fault = () => (left-- > 0 ? undefined : 'EIO')
      const done = await clean(world, log).then(
        () => true,
        () => false,
      )
      world.runtime.disk.fault = undefined
      const names = await world.runtime.disk.list(DIRECTORY)
      seen.add(names.map(name => name.replace(/^\d+\.\w+/, '')).join())

      const again = await restarted(world)
      const reopened = await openLog(again, { config: COMPACTED })
      const found = await contents(reopened)
      expect(latest(found), `after ${operations} operations`).toEqual({ a: '3', b: '2', c: '1', d: '1' })
      expect([reopened.logStartOffset, reopened.logEndOffset]).toEqual([0, 7])
      const { findings } = await readLogDirectory(again.runtime.disk, DIRECTORY, { compacted: true })
      expect(findings).toEqual([])
      expect((await again.runtime.disk.list(DIRECTORY)).filter(name => /cleaned|swap|deleted/.test(name))).toEqual([])

      reopened.updateHighWatermark(7)
      await clean(again, reopened)
      expect(await contents(reopened)).toEqual(EXPECTED)
      if (done) break
    }
    // It was cut in each of the steps.
    for (const step of [/cleaned.*cleaned/, /cleaned.*swap|swap.*cleaned/, /deleted.*swap|swap.*deleted/]) {
      expect([...seen].some(names => step.test(names))).toBe(true)
    }
  })

  test('a swap that was begun is finished, although the old segments are all there', async () => {
    const world = await dirty()
    const log = await openLog(world, { config: COMPACTED })
    log.updateHighWatermark(7)
    // The disk stops taking names at the first file that is to be deleted.
    world.runtime.disk.fault = (operation, path) =>
      operation === 'rename' && path === `${FIRST}.log` ? 'EIO' : undefined
    await clean(world, log).catch(() => undefined)
    world.runtime.disk.fault = undefined
    expect(await world.runtime.disk.list(DIRECTORY)).toEqual(
      expect.arrayContaining(['00000000000000000000.log', '00000000000000000000.log.swap']),
    )
    const reopened = await openLog(await restarted(world), { config: COMPACTED })
    expect(await contents(reopened)).toEqual(EXPECTED)
    expect(reopened.segments.map(segment => segment.baseOffset)).toEqual([0, 7])
  })

  test('of what was renamed only in part nothing is taken', async () => {
    const world = await dirty()
    const bytes = await fileBytes(world.runtime, `${FIRST}.log`)
    await withFile(world.runtime, `${FIRST}.log.swap`, file => file.append(bytes.subarray(0, 70)))
    await withFile(world.runtime, `${FIRST}.index.cleaned`, async () => undefined)
    const log = await openLog(world, { config: COMPACTED })
    expect((await contents(log)).length).toBe(7)
    const names = await world.runtime.disk.list(DIRECTORY)
    expect(names.filter(name => /cleaned|swap/.test(name))).toEqual([])
  })

  test('old segments beyond the new one’s last offset may come back, and are cleaned again', async () => {
    const settings = compacted({ 'delete.retention.ms': 0 })
    const world = await createLogWorld()
    const log = await openLog(world, { config: settings })
    await segmentOf(log, 'a=1')
    await segmentOf(log, 'b=1')
    await segmentOf(log, `b=2 c=${'x'.repeat(400)}`)
    log.updateConfig(compacted({ 'delete.retention.ms': 0, 'internal.segment.bytes': 200 }))
    // The first two segments become one that ends at offset 0.
    world.runtime.disk.fault = (operation, path) =>
      operation === 'rename' && path === `${FIRST}.log` ? 'EIO' : undefined
    await clean(world, log).catch(() => undefined)
    world.runtime.disk.fault = undefined

    const again = await restarted(world)
    const reopened = await openLog(again, { config: settings })
    expect((await contents(reopened)).map(text => text.slice(0, 5))).toEqual(['0:a=1', '1:b=1', '2:b=2', '3:c=x'])
    reopened.updateHighWatermark(4)
    await clean(again, reopened)
    expect((await contents(reopened)).map(text => text.slice(0, 5))).toEqual(['0:a=1', '2:b=2', '3:c=x'])
  })
})

test('the gaps that cleaning left are no damage, also when the topic is not compacted any more', async () => {
  const world = await dirty(compacted({ 'internal.segment.bytes': 150 }))
  const log = await openLog(world, { config: compacted({ 'internal.segment.bytes': 150 }) })
  log.updateHighWatermark(7)
  await clean(world, log)
  const before = await contents(log)
  expect(before).toEqual(EXPECTED)
  const reopened = await openLog(await restarted(world), { wasCompacted: true })
  expect(await contents(reopened)).toEqual(before)
})
