import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MetadataDelta } from '../../../src/controller/image/metadata-delta.ts'
import { MetadataImage } from '../../../src/controller/image/metadata-image.ts'
import { metadataRecordSerde } from '../../../src/controller/metadata-record-serde.ts'
import type { MetadataRecord, PartitionChangeRecord } from '../../../src/controller/metadata-records.ts'
import { MetadataReplayError } from '../../../src/controller/metadata-replay-error.ts'

const IDS = ['TopicNumberOne000000AA', 'TopicNumberTwo000000AA', 'TopicNumberThree0000AA', 'TopicNumberFour00000AA']
const DIRECTORY = 'DirectoryNumberOne000A'

const topic = (index: number, name = `topic-${index}`): MetadataRecord => ({
  type: 'TopicRecord',
  data: { name, topicId: IDS[index] ?? '' },
})
const removeTopic = (index: number): MetadataRecord => ({
  type: 'RemoveTopicRecord',
  data: { topicId: IDS[index] ?? '' },
})
const partition = (index: number, partitionId: number, replicas = [1, 2]): MetadataRecord => ({
  type: 'PartitionRecord',
  data: {
    partitionId,
    topicId: IDS[index] ?? '',
    replicas,
    isr: replicas,
    removingReplicas: [],
    addingReplicas: [],
    leader: replicas[0] ?? -1,
    leaderRecoveryState: 0,
    leaderEpoch: 0,
    partitionEpoch: 0,
    directories: replicas.map(() => DIRECTORY),
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
  },
})
const change = (index: number, partitionId: number, fields: Partial<PartitionChangeRecord>): MetadataRecord => ({
  type: 'PartitionChangeRecord',
  data: {
    partitionId,
    topicId: IDS[index] ?? '',
    isr: null,
    leader: -2,
    replicas: null,
    removingReplicas: null,
    addingReplicas: null,
    leaderRecoveryState: -1,
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
    directories: null,
    ...fields,
  },
})
const config = (resourceName: string, name: string, value: string | null): MetadataRecord => ({
  type: 'ConfigRecord',
  data: { resourceType: 2, resourceName, name, value },
})
const register = (brokerId: number, brokerEpoch: number): MetadataRecord => ({
  type: 'RegisterBrokerRecord',
  data: {
    brokerId,
    isMigratingZkBroker: false,
    incarnationId: DIRECTORY,
    brokerEpoch,
    endPoints: [{ name: 'PLAINTEXT', host: 'host', port: 9092, securityProtocol: 0 }],
    features: [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion: 29 }],
    rack: null,
    fenced: true,
    inControlledShutdown: false,
    logDirs: [DIRECTORY],
  },
})
const unfence = (brokerId: number, brokerEpoch: number): MetadataRecord => ({
  type: 'BrokerRegistrationChangeRecord',
  data: { brokerId, brokerEpoch, fenced: -1, inControlledShutdown: 0, logDirs: [] },
})

/** Replays records, beginning a new delta at each of the given places. */
function replay(records: readonly MetadataRecord[], cuts: ReadonlySet<number> = new Set()): MetadataImage {
  let image = MetadataImage.EMPTY
  let delta = new MetadataDelta(image)
  records.forEach((record, index) => {
    if (cuts.has(index)) {
      image = delta.apply({ lastContainedOffset: index - 1, lastContainedEpoch: 1, lastContainedLogTimeMs: 0 })
      delta = new MetadataDelta(image)
    }
    delta.replay(record)
  })
  return delta.apply({ lastContainedOffset: records.length - 1, lastContainedEpoch: 1, lastContainedLogTimeMs: 0 })
}

/** Everything in an image, maps with their order. */
function print(image: MetadataImage): string {
  return JSON.stringify(image, (_key, value) => (value instanceof Map ? { map: [...value] } : value))
}

/** Only records that a controller could have written, whatever `choices` says. */
function history(
  choices: readonly { readonly kind: number; readonly a: number; readonly b: number }[],
): MetadataRecord[] {
  const records: MetadataRecord[] = []
  const names = new Map<number, string>()
  const used = new Set<number>()
  const partitions = new Map<number, number>()
  const epochs = new Map<number, number>()
  for (const { kind, a, b } of choices) {
    const index = a % IDS.length
    const exists = names.has(index)
    const count = partitions.get(index) ?? 0
    if (kind === 0 && !used.has(index) && ![...names.values()].includes(`name-${b % 2}`)) {
      records.push(
        topic(index, `name-${b % 2}`),
        config(`name-${b % 2}`, 'retention.ms', String(b)),
        partition(index, 0),
      )
      names.set(index, `name-${b % 2}`)
      used.add(index)
      partitions.set(index, 1)
    } else if (kind === 1 && exists) {
      records.push(removeTopic(index))
      names.delete(index)
    } else if (kind === 2 && exists) {
      records.push(partition(index, count, [b, b + 1]))
      partitions.set(index, count + 1)
    } else if (kind === 3 && exists) {
      records.push(change(index, b % count, { isr: [b], leader: b }))
    } else if (kind === 4 && exists) {
      records.push(config(names.get(index) ?? '', `key-${b % 3}`, b % 2 === 0 ? null : String(b)))
    } else if (kind === 5) {
      records.push(register(a % 3, records.length))
      epochs.set(a % 3, records.length - 1)
    } else if (kind === 6 && epochs.has(a % 3)) {
      records.push(unfence(a % 3, epochs.get(a % 3) ?? -1))
    } else if (kind === 7 && epochs.has(a % 3)) {
      const data = { brokerId: a % 3, brokerEpoch: epochs.get(a % 3) ?? -1 }
      records.push({ type: 'UnregisterBrokerRecord', data })
      epochs.delete(a % 3)
    } else if (kind === 8) {
      records.push({ type: 'FeatureLevelRecord', data: { name: `feature-${a % 3}`, featureLevel: b % 3 } })
    }
  }
  return records
}

describe('MetadataDelta', () => {
  test('any history gives the same image, in the same order, however it is cut into deliveries', () => {
    const choice = fc.record({ kind: fc.nat(8), a: fc.nat(11), b: fc.nat(9) })
    fc.assert(
      fc.property(fc.array(choice, { maxLength: 60, size: 'max' }), fc.array(fc.nat(80)), (choices, cuts) => {
        const records = history(choices)

        expect(print(replay(records, new Set(cuts)))).toBe(print(replay(records)))
        expect(print(replay(records, new Set(records.keys())))).toBe(print(replay(records)))
      }),
      { numRuns: 300 },
    )
  })

  test('any history survives the way to disk and back', () => {
    const choice = fc.record({ kind: fc.nat(8), a: fc.nat(11), b: fc.nat(9) })
    fc.assert(
      fc.property(fc.array(choice, { maxLength: 60, size: 'max' }), choices => {
        const records = history(choices)

        expect(records.map(record => metadataRecordSerde.read(metadataRecordSerde.write(record)))).toEqual(records)
      }),
      { numRuns: 100 },
    )
  })

  test('a change that names a leader begins a leader epoch, every change a partition epoch', () => {
    const records = [topic(0), partition(0, 0), change(0, 0, { isr: [1] }), change(0, 0, { leader: 1 })]

    const image = replay(records)

    expect(image.topics.getTopicById(IDS[0] ?? '')?.partitions.get(0)).toMatchObject({
      isr: [1],
      leader: 1,
      leaderEpoch: 1,
      partitionEpoch: 2,
    })
  })

  test('leaves the image that it began with as it was', () => {
    const before = replay([topic(0), partition(0, 0), config('topic-0', 'a', '1'), register(1, 0)])
    const printed = print(before)

    const delta = new MetadataDelta(before)
    for (const record of [change(0, 0, { isr: [2] }), config('topic-0', 'a', null), unfence(1, 0), removeTopic(0)]) {
      delta.replay(record)
    }
    delta.apply({ lastContainedOffset: 9, lastContainedEpoch: 1, lastContainedLogTimeMs: 0 })

    expect(print(before)).toBe(printed)
  })

  test('shares the parts that did not change', () => {
    const before = replay([topic(0), partition(0, 0), register(1, 0)])

    const delta = new MetadataDelta(before)
    delta.replay(config('topic-0', 'a', '1'))
    const after = delta.apply({ lastContainedOffset: 4, lastContainedEpoch: 1, lastContainedLogTimeMs: 0 })

    expect(after.topics).toBe(before.topics)
    expect(after.cluster).toBe(before.cluster)
  })

  test.each([
    ['a topic under a name that is taken', [topic(0, 'same'), topic(1, 'same')]],
    ['a partition of a topic that is not there', [partition(0, 0)]],
    ['a change of a partition that is not there', [topic(0), partition(0, 0), change(0, 1, { leader: 1 })]],
    ['the removal of a topic that is gone', [topic(0), removeTopic(0), removeTopic(0)]],
    ['a change of a broker that is not registered', [unfence(1, 0)]],
    ['a change of an earlier incarnation', [register(1, 5), register(1, 9), unfence(1, 5)]],
  ])('refuses %s', (_what, records) => {
    expect(() => replay(records)).toThrow(MetadataReplayError)
    expect(() => replay(records, new Set([1, 2]))).toThrow(MetadataReplayError)
  })

  test('tells a broker what to host, lead, follow and drop', () => {
    const before = replay([topic(0), partition(0, 0, [1, 2]), partition(0, 1, [2, 1]), topic(1), partition(1, 0, [1])])
    const delta = new MetadataDelta(before)
    const records = [
      change(0, 0, { leader: 2 }),
      change(0, 1, { replicas: [2, 3] }),
      removeTopic(1),
      topic(2),
      partition(2, 0, [1]),
    ]
    for (const record of records) delta.replay(record)

    const local = delta.topicsDelta?.localChanges(1)

    const names = (list: readonly { topic: string; partition: number }[] = []) =>
      list.map(({ topic: name, partition: id }) => `${name}-${id}`)
    expect(names(local?.deletes)).toEqual(['topic-1-0', 'topic-0-1'])
    expect(names(local?.followers)).toEqual(['topic-0-0'])
    expect(names(local?.leaders)).toEqual(['topic-2-0'])
    expect(names(local?.electedLeaders)).toEqual(['topic-2-0'])
    expect(names(local?.placed)).toEqual(['topic-2-0'])
  })
})
