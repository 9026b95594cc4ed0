import { describe, expect, test } from 'vitest'
import { MetadataDelta } from '../../../src/controller/image/metadata-delta.ts'
import { MetadataImage } from '../../../src/controller/image/metadata-image.ts'
import { MetadataLoader } from '../../../src/controller/image/metadata-loader.ts'
import type { LoaderManifest, MetadataPublisher } from '../../../src/controller/image/metadata-publisher.ts'
import { SnapshotGenerator } from '../../../src/controller/image/snapshot-generator.ts'
import { createManualRuntime, type ManualRuntime } from '../../support/manual-runtime.ts'
import { type ControllerFixture, startController } from '../controller-fixture.ts'
import type { FakeMetadataLog, FakeRaftClient } from '../fake-metadata-log.ts'
import { contents } from './history.ts'

interface Seen {
  readonly delta: MetadataDelta
  readonly image: MetadataImage
  readonly manifest: LoaderManifest
}

class Recorder implements MetadataPublisher {
  readonly name = 'recorder'
  readonly seen: Seen[] = []

  onMetadataUpdate(delta: MetadataDelta, image: MetadataImage, manifest: LoaderManifest): void {
    this.seen.push({ delta, image, manifest })
  }

  get last(): Seen {
    const last = this.seen.at(-1)
    if (last === undefined) throw new Error('nothing was published')
    return last
  }
}

/** A broker that follows the log: another node. */
async function follow(log: FakeMetadataLog, runtime: ManualRuntime) {
  const recorder = new Recorder()
  const faults: unknown[] = []
  const raft: FakeRaftClient = log.client(9, error => faults.push(error))
  const loader = new MetadataLoader({ nodeId: 9, highWatermark: () => raft.highWatermark, publishers: [recorder] })
  raft.register(loader)
  await runtime.settle()
  return { raft, loader, recorder, faults }
}

function generatorOn(runtime: ManualRuntime, log: FakeMetadataLog, limits: { bytes?: number; ms?: number }) {
  const faults: unknown[] = []
  const generator = new SnapshotGenerator(runtime, {
    nodeId: 1,
    raftClient: log.client(1, error => faults.push(error)),
    maxBytesSinceLastSnapshot: limits.bytes ?? Number.MAX_SAFE_INTEGER,
    maxTimeSinceLastSnapshotMs: limits.ms ?? 0,
    onFault: error => faults.push(error),
  })
  return { generator, faults }
}

/** A controller with three brokers and a topic, whose log writes a snapshot when it is told to. */
async function started(): Promise<ControllerFixture & { snapshot(): Promise<void> }> {
  const fixture = await startController()
  await fixture.join(1, 2, 3)
  await fixture.createTopic('orders', { assignments: [{ partitionIndex: 0, brokerIds: [1, 2, 3] }] })
  const { runtime, log } = fixture
  return {
    ...fixture,
    async snapshot() {
      const { generator } = generatorOn(runtime, log, { bytes: 1 })
      const image = fixture.image()
      generator.onMetadataUpdate(new MetadataDelta(image), image, { type: 'log-delta', bytes: 1 })
      await runtime.run(() => generator.close())
      log.dropPrefix()
    },
  }
}

describe('SnapshotGenerator', () => {
  test('writes the image when enough was replayed, named by where it ends', async () => {
    const fixture = await started()
    const { generator, faults } = generatorOn(fixture.runtime, fixture.log, { bytes: 1000 })
    const image = fixture.image()
    const delta = new MetadataDelta(image)

    generator.onMetadataUpdate(delta, image, { type: 'log-delta', bytes: 999 })
    await fixture.runtime.settle()
    expect(fixture.log.snapshot).toBeUndefined()
    generator.onMetadataUpdate(delta, image, { type: 'log-delta', bytes: 1 })
    await fixture.runtime.settle()

    expect(fixture.log.snapshot?.id).toEqual({ offset: image.offset + 1, epoch: image.provenance.lastContainedEpoch })
    expect(fixture.log.snapshot?.records.length).toBeGreaterThan(5)
    expect(faults).toEqual([])
  })

  test('writes it when the last one is old, but not for age alone when nothing comes', async () => {
    const fixture = await started()
    const { generator } = generatorOn(fixture.runtime, fixture.log, { ms: 60_000 })
    const image = fixture.image()
    await fixture.runtime.advance(60_000)
    expect(fixture.log.snapshot).toBeUndefined()

    generator.onMetadataUpdate(new MetadataDelta(image), image, { type: 'log-delta', bytes: 1 })
    await fixture.runtime.settle()

    expect(fixture.log.snapshot).toBeDefined()
  })

  test('begins to count anew when a snapshot was loaded', async () => {
    const fixture = await started()
    const { generator } = generatorOn(fixture.runtime, fixture.log, { bytes: 1000 })
    const image = fixture.image()
    const delta = new MetadataDelta(image)

    generator.onMetadataUpdate(delta, image, { type: 'log-delta', bytes: 999 })
    generator.onMetadataUpdate(delta, image, { type: 'snapshot' })
    generator.onMetadataUpdate(delta, image, { type: 'log-delta', bytes: 999 })
    await fixture.runtime.settle()

    expect(fixture.log.snapshot).toBeUndefined()
  })

  test('writes nothing any more once it is closed, and reports what goes wrong', async () => {
    const runtime = createManualRuntime()
    const faults: unknown[] = []
    const failure = new Error('disk')
    const generator = new SnapshotGenerator(runtime, {
      nodeId: 1,
      raftClient: { createSnapshot: () => Promise.reject(failure) },
      maxBytesSinceLastSnapshot: 1,
      maxTimeSinceLastSnapshotMs: 0,
      onFault: error => faults.push(error),
    })
    const { EMPTY } = MetadataImage

    generator.onMetadataUpdate(new MetadataDelta(EMPTY), EMPTY, { type: 'log-delta', bytes: 1 })
    await runtime.run(() => generator.close())
    generator.onMetadataUpdate(new MetadataDelta(EMPTY), EMPTY, { type: 'log-delta', bytes: 1 })
    await runtime.settle()

    expect(faults).toEqual([failure])
  })
})

describe('a follower of the metadata log', () => {
  test('begins with the snapshot when the log no longer has its beginning', async () => {
    const fixture = await started()
    await fixture.snapshot()
    await fixture.createTopic('later')

    const { recorder, loader } = await follow(fixture.log, fixture.runtime)

    expect(contents(recorder.last.image)).toBe(contents(fixture.image()))
    expect(loader.publishedOffset).toBe(fixture.raft.logEndOffset - 1)
    expect(recorder.seen.map(({ manifest }) => manifest.type)).toEqual(['snapshot'])
    expect(recorder.seen[0]?.delta.topicsDelta?.createdTopicIds).toHaveLength(2)
  })

  test('that was cut off sees in one delta what the snapshot changes, removals included', async () => {
    const fixture = await started()
    await fixture.createTopic('goes')
    const goes = fixture.image().topics.getTopic('goes')?.id ?? ''
    const { recorder, raft, faults } = await follow(fixture.log, fixture.runtime)
    raft.cut = true
    const request = { topics: [{ name: null, topicId: goes }], topicNames: [], timeoutMs: 1000 }
    await fixture.runtime.run(() => fixture.apis.deleteTopics(request))
    await fixture.runtime.run(() => fixture.apis.unregisterBroker({ brokerId: 3 }))
    await fixture.createTopic('comes')
    await fixture.snapshot()
    const before = recorder.seen.length

    raft.cut = false
    raft.wake()
    await fixture.runtime.settle()

    expect(faults).toEqual([])
    expect(recorder.seen.length).toBe(before + 1)
    const { delta, image, manifest } = recorder.last
    expect(manifest).toEqual({ type: 'snapshot' })
    expect(contents(image)).toBe(contents(fixture.image()))
    expect([...(delta.topicsDelta?.deletedTopicIds ?? [])]).toEqual([goes])
    expect(delta.topicsDelta?.createdTopicIds).toEqual([fixture.image().topics.getTopic('comes')?.id])
    expect([...(delta.clusterDelta?.changedBrokers ?? [])]).toContainEqual([3, undefined])
    expect(delta.featuresDelta).toBeUndefined()
  })
})

describe('a controller on standby', () => {
  test('takes over from a snapshot where the old one was', async () => {
    const fixture = await started()
    await fixture.snapshot()
    await fixture.createTopic('later', { assignments: [{ partitionIndex: 0, brokerIds: [2, 3] }] })

    const second = await startController({ runtime: fixture.runtime, log: fixture.log, nodeId: 2 })
    fixture.log.lead(2)
    await fixture.runtime.settle()

    expect(second.controller.isActive).toBe(true)
    expect(contents(second.controller.committedImage)).toBe(contents(fixture.image()))
    expect(await second.createTopic('orders')).not.toBe(0)
    expect(await second.createTopic('after')).toBe(0)
    expect([...fixture.faults, ...second.faults]).toEqual([])
  })
})
