import type { MetadataImage } from '../../../controller/image/metadata-image.ts'
import type { TopicImage } from '../../../controller/image/topics-image.ts'
import { UUID_BYTES, writeUuid } from '../../../protocol/uuid.ts'
import { xxh3 } from './xxh3.ts'

const TOPIC_HASH_MAGIC_BYTE = 0

/**
 * The hash of what a group's members read, as Kafka keeps it with the group's epoch (KIP-1101; ModernGroup.computeMetadataHash):
 * when it changes, topics have come or gone, or their partitions or racks have changed. Topics that do not exist do not count;
 * 0: none does. Signed, 64 bits.
 */
export function computeMetadataHash(topicNames: ReadonlySet<string>, image: MetadataImage): bigint {
  const topics = [...topicNames].sort().flatMap(name => image.topics.getTopic(name) ?? [])
  if (topics.length === 0) return 0n
  return signed(xxh3(Buffer.concat(topics.map(topic => int64(topicHash(topic, image))))))
}

/** Kafka's Utils.computeTopicHash: numbers are little-endian, texts UTF-16 followed by their length. */
function topicHash(topic: TopicImage, image: MetadataImage): bigint {
  const id = Buffer.alloc(UUID_BYTES)
  writeUuid(id, 0, topic.id)
  const parts = [
    Buffer.of(TOPIC_HASH_MAGIC_BYTE),
    int64(id.readBigUInt64BE(0)),
    int64(id.readBigUInt64BE(8)),
    text(topic.name),
    int32(topic.partitions.size),
  ]
  for (const [partition, { replicas }] of topic.partitions) {
    parts.push(int32(partition))
    const racks = replicas.flatMap(replica => image.cluster.broker(replica)?.rack ?? [])
    for (const rack of racks.sort()) parts.push(int32(rack.length), text(rack))
  }
  return xxh3(Buffer.concat(parts))
}

function signed(hash: bigint): bigint {
  return BigInt.asIntN(64, hash)
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from(value, 'utf16le'), int32(value.length)])
}
