import { expect, test } from 'vitest'
import { readLogDirectory } from '../../src/log/inspect.ts'
import { buildBatch } from '../../src/protocol/records/batch.ts'
import { batch, config, createLogWorld, DIRECTORY, type LogWorld, openLog, withFile } from './log-fixture.ts'

const LOG = '00000000000000000000.log'

async function soundLog(): Promise<LogWorld> {
  const world = await createLogWorld()
  const log = await openLog(world, { config: config({ 'index.interval.bytes': 100, 'internal.segment.bytes': 300 }) })
  for (let index = 0; index < 10; index++) {
    await log.appendAsLeader(batch({ values: ['x'], timestamp: 1_700_000_000_000 + index }), 1)
  }
  await log.closeCleanly()
  return world
}

async function findings(world: LogWorld): Promise<string[]> {
  const report = await readLogDirectory(world.runtime.disk, DIRECTORY)
  return report.findings.map(({ file, message }) => `${file}: ${message}`)
}

test('a sound log has no findings and is told in full', async () => {
  const world = await soundLog()
  const report = await readLogDirectory(world.runtime.disk, DIRECTORY)
  expect(report.findings).toEqual([])
  expect(report.logEndOffset).toBe(10)
  expect(report.segments.reduce((sum, segment) => sum + segment.recordCount, 0)).toBe(10)
  expect(report.segments.length).toBeGreaterThan(1)
})

test('names a torn tail', async () => {
  const world = await soundLog()
  await withFile(world.runtime, `${DIRECTORY}/${LOG}`, file => file.append(Buffer.alloc(5)))
  expect(await findings(world)).toEqual([expect.stringContaining(`${LOG}: the last 5 bytes`)])
})

test('names a wrong checksum', async () => {
  const world = await soundLog()
  await withFile(world.runtime, `${DIRECTORY}/${LOG}`, async file => {
    const bytes = await file.read(0, file.size)
    bytes[bytes.length - 2] = (bytes.at(-2) ?? 0) ^ 1
    await file.truncate(0)
    await file.append(bytes)
  })
  expect(await findings(world)).toContainEqual(expect.stringContaining('wrong checksum'))
})

test('names gaps and epochs that fall', async () => {
  const world = await soundLog()
  await withFile(world.runtime, `${DIRECTORY}/00000000000000000008.log`, async file => {
    const records = [{ value: Buffer.from('x'), timestamp: 1 }]
    await file.append(buildBatch({ records, baseOffset: 12, partitionLeaderEpoch: 0 }))
  })
  const found = await findings(world)
  expect(found).toContainEqual(expect.stringContaining('begins at offset 12, expected 10'))
  expect(found).toContainEqual(expect.stringContaining('leader epoch 0 after epoch 1'))
})

test('names a missing segment', async () => {
  const world = await soundLog()
  for (const suffix of ['log', 'index', 'timeindex']) {
    await world.runtime.disk.remove(`${DIRECTORY}/00000000000000000004.${suffix}`)
  }
  expect(await findings(world)).toContainEqual(
    expect.stringContaining('begins at offset 8, the segment before ends at 4'),
  )
})

test('names index entries that lead nowhere, and a missing index', async () => {
  const world = await soundLog()
  await withFile(world.runtime, `${DIRECTORY}/00000000000000000000.index`, async file => {
    const entry = Buffer.alloc(8)
    entry.writeInt32BE(3, 0)
    entry.writeInt32BE(7, 4)
    await file.truncate(0)
    await file.append(entry)
  })
  await world.runtime.disk.remove(`${DIRECTORY}/00000000000000000000.timeindex`)
  expect(await findings(world)).toEqual([
    '00000000000000000000.index: entry 0 (offset 3, position 7) leads to no batch',
    '00000000000000000000.timeindex: is missing',
  ])
})

test('names a torn producer snapshot and an epoch checkpoint that contradicts the batches', async () => {
  const world = await soundLog()
  await withFile(world.runtime, `${DIRECTORY}/00000000000000000010.snapshot`, file => file.truncate(3))
  await withFile(world.runtime, `${DIRECTORY}/leader-epoch-checkpoint`, async file => {
    await file.truncate(0)
    await file.append(Buffer.from('0\n1\n7 0\n'))
  })
  const found = await findings(world)
  expect(found).toContainEqual(expect.stringContaining('snapshot'))
  expect(found).toContainEqual(expect.stringContaining('leader epoch 1, leader-epoch-checkpoint has epoch 7'))
})
