import { describe, expect, test } from 'vitest'
import { writeFileAtomically } from '../../src/log/atomic-file.ts'
import { CorruptCheckpointError } from '../../src/log/log-errors.ts'
import { readMetaProperties, writeMetaProperties } from '../../src/log/meta-properties.ts'
import { OffsetCheckpointFile } from '../../src/log/offset-checkpoint-file.ts'
import { PartitionMetadataFile } from '../../src/log/partition-metadata-file.ts'
import { createManualRuntime } from '../support/manual-runtime.ts'
import { fileBytes, TOPIC_ID, withFile } from './log-fixture.ts'

test('a file is replaced in the order that survives a power failure', async () => {
  const { disk } = createManualRuntime()
  await writeFileAtomically(disk, 'a', Buffer.from('x'))
  expect(disk.operations.map(({ operation, path }) => `${operation} ${path}`)).toEqual([
    'open a.tmp',
    'append a.tmp',
    'sync a.tmp',
    'close a.tmp',
    'rename a.tmp',
    'syncDirectory ',
  ])
})

describe('offset checkpoints', () => {
  test('are lines of topic, partition and offset', async () => {
    const runtime = createManualRuntime()
    const file = new OffsetCheckpointFile(runtime, '', 'recovery-point-offset-checkpoint')
    await file.write([
      { topicPartition: { topic: 'a.b-c', partition: 3 }, offset: 42 },
      { topicPartition: { topic: 'd', partition: 0 }, offset: 0 },
    ])
    expect(String(await fileBytes(runtime, file.path))).toBe('0\n2\na.b-c 3 42\nd 0 0\n')
    expect(await file.read()).toEqual(
      new Map([
        ['a.b-c-3', 42],
        ['d-0', 0],
      ]),
    )
  })

  test.each(['', '1\n0\n', '0\n1\n', '0\n1\na b c\n', '0\n1\na 0 99999999999999999999\n', '0\n-1\n'])(
    '%j is malformed',
    async text => {
      const runtime = createManualRuntime()
      await withFile(runtime, 'x', file => file.append(Buffer.from(text)))
      await expect(new OffsetCheckpointFile(runtime, '', 'x').read()).rejects.toThrow(CorruptCheckpointError)
    },
  )

  test('are empty where there is no file', async () => {
    expect(await new OffsetCheckpointFile(createManualRuntime(), '', 'x').read()).toEqual(new Map())
  })
})

test('partition.metadata says which topic it is', async () => {
  const runtime = createManualRuntime()
  const file = new PartitionMetadataFile(runtime, '')
  expect(await file.read()).toBeUndefined()
  await file.write(TOPIC_ID)
  expect(await file.read()).toBe(TOPIC_ID)
  await withFile(runtime, 'partition.metadata', disk => disk.truncate(20))
  await expect(file.read()).rejects.toThrow(CorruptCheckpointError)
})

describe('meta.properties', () => {
  const properties = { clusterId: 'bG9nLWNsdXN0ZXItMDAwMQ', nodeId: 3, directoryId: TOPIC_ID }

  test('comes back as it was written', async () => {
    const runtime = createManualRuntime()
    expect(await readMetaProperties(runtime, '')).toBeUndefined()
    await writeMetaProperties(runtime, '', properties)
    expect(await readMetaProperties(runtime, '')).toEqual(properties)
  })

  test('is refused with a version or a value that is not known', async () => {
    const runtime = createManualRuntime()
    const text = (version: string, node: string) =>
      `cluster.id=c\nversion=${version}\nnode.id=${node}\ndirectory.id=${TOPIC_ID}\n`
    for (const [version, node] of [
      ['2', '1'],
      ['1', 'one'],
    ] as const) {
      await writeFileAtomically(runtime.disk, 'meta.properties', Buffer.from(text(version, node)))
      await expect(readMetaProperties(runtime, '')).rejects.toThrow(CorruptCheckpointError)
    }
  })
})
