import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { imageRecords, recordsBetween } from '../../../src/controller/image/image-records.ts'
import { MetadataImage } from '../../../src/controller/image/metadata-image.ts'
import { metadataRecordSerde } from '../../../src/controller/metadata-record-serde.ts'
import { contents, historyArbitrary, replay } from './history.ts'

const RUNS = { seed: 20, numRuns: 200 }

describe('imageRecords', () => {
  test('are none for an empty image', () => {
    expect(imageRecords(MetadataImage.EMPTY)).toEqual([])
  })

  test('make the image again, also after they were bytes', () => {
    fc.assert(
      fc.property(historyArbitrary, history => {
        const image = replay(MetadataImage.EMPTY, history)

        const records = imageRecords(image)
        const read = records.map(record => metadataRecordSerde.read(metadataRecordSerde.write(record)))

        expect(contents(replay(MetadataImage.EMPTY, read))).toBe(contents(image))
        expect(imageRecords(replay(MetadataImage.EMPTY, read))).toEqual(records)
      }),
      RUNS,
    )
  })

  test('are no more than what there is, however long it took to get there', () => {
    fc.assert(
      fc.property(historyArbitrary, history => {
        const image = replay(MetadataImage.EMPTY, history)
        const topics = [...image.topics.topicsById.values()]
        const configs = [...image.configs.resources.values()].reduce((count, keys) => count + keys.size, 0)
        const partitions = topics.reduce((count, topic) => count + topic.partitions.size, 0)
        const parts =
          image.features.finalizedVersions.size + image.cluster.brokers.size + topics.length + partitions + configs

        expect(imageRecords(image).length - parts).toBe(image.producerIds.nextProducerId > 0 ? 1 : 0)
      }),
      RUNS,
    )
  })
})

describe('recordsBetween', () => {
  test('make one image of an earlier one', () => {
    fc.assert(
      fc.property(historyArbitrary, fc.nat(60), (history, at) => {
        const from = replay(MetadataImage.EMPTY, history.slice(0, at))
        const to = replay(MetadataImage.EMPTY, history)

        expect(contents(replay(from, recordsBetween(from, to)))).toBe(contents(to))
      }),
      RUNS,
    )
  })

  test('are none between equal images that were made apart', () => {
    fc.assert(
      fc.property(historyArbitrary, history => {
        const image = replay(MetadataImage.EMPTY, history)

        expect(recordsBetween(image, replay(MetadataImage.EMPTY, history))).toEqual([])
      }),
      RUNS,
    )
  })

  test('give back what was set on a topic that was deleted and created anew', () => {
    const topic = (topicId: string) => [
      { type: 'TopicRecord', data: { name: 'orders', topicId } } as const,
      {
        type: 'ConfigRecord',
        data: { resourceType: 2, resourceName: 'orders', name: 'retention.ms', value: '5' },
      } as const,
    ]
    const from = replay(MetadataImage.EMPTY, topic('TopicNumberOne000000AA'))
    const to = replay(MetadataImage.EMPTY, topic('TopicNumberTwo000000AA'))

    expect(contents(replay(from, recordsBetween(from, to)))).toBe(contents(to))
  })
})
