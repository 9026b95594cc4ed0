import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { buildBatch, COMPRESSION_CODECS, produceBatch, validateBatch } from '../../../src/protocol/records/batch.ts'

interface GoldenRecord {
  timestamp?: number
  key: string | null
  value?: string | null
  /** A value too long to write out: a text and how often it stands. */
  valueRepeats?: [string, number]
  headers: [string, string][]
}

interface Golden {
  client: string
  codec: string
  note: string
  produceVersion: number
  records: GoldenRecord[]
  hex: string
}

const path = new URL('../../../fixtures/wire/record-batches.json', import.meta.url)
const goldens = JSON.parse(readFileSync(path, 'utf8')) as Golden[]

describe('batches that real clients sent', () => {
  test('cover every codec', () => {
    expect(new Set(goldens.map(golden => golden.codec))).toEqual(new Set(COMPRESSION_CODECS))
  })

  test.each(goldens)('of $client with $codec $note are read as they were sent', golden => {
    const view = produceBatch(Buffer.from(golden.hex, 'hex'), golden.produceVersion)

    expect(view.compression).toBe(golden.codec)
    expect(view.isValidCrc()).toBe(true)
    expect(view.hasProducerId).toBe(golden.note === 'idempotent')
    if (view.hasProducerId) expect([view.producerId, view.producerEpoch, view.baseSequence]).toEqual([4711, 3, 0])
    const records = [...view.records()]
    expect(records.map(record => record.offset)).toEqual(golden.records.map((_, index) => index))
    records.forEach((record, index) => {
      const expected = golden.records[index]
      const value = expected?.valueRepeats?.[0].repeat(expected.valueRepeats[1]) ?? expected?.value
      expect(record.key?.toString() ?? null).toBe(expected?.key)
      expect(record.value?.toString() ?? null).toBe(value)
      expect(record.headers.map(({ key, value }) => [key, value?.toString()])).toEqual(expected?.headers)
      if (expected?.timestamp !== undefined) expect(record.timestamp).toBe(expected.timestamp)
    })
  })

  test.each(goldens)('of $client with $codec $note pass the leader unchanged', golden => {
    const bytes = Buffer.from(golden.hex, 'hex')
    const view = produceBatch(bytes, golden.produceVersion)
    const { maxTimestamp } = view

    const validated = validateBatch(view, { nowMs: maxTimestamp })

    expect(validated).toMatchObject({ rewritten: false, recordCount: golden.records.length, maxTimestamp })
    expect(bytes.toString('hex')).toBe(golden.hex)
  })

  // KafkaJS counts timestamps from the smallest, the others, as Java does, from the first.
  const rebuildable = goldens.filter(golden => golden.codec === 'none' && !golden.client.startsWith('kafkajs'))

  test.each(rebuildable)('of $client are built to the same bytes', golden => {
    const view = produceBatch(Buffer.from(golden.hex, 'hex'), golden.produceVersion)
    const { partitionLeaderEpoch, producerEpoch, baseSequence } = view

    const built = buildBatch({ records: [...view.records()], partitionLeaderEpoch, producerEpoch, baseSequence })

    expect(built.toString('hex')).toBe(golden.hex)
  })
})
