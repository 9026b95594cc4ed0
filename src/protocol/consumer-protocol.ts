import { MessageCodec } from './message-codec.ts'
import { ProtocolError } from './protocol-error.ts'
import { Reader } from './reader.ts'
import { array, bytes, type Fields, int32, type Message, type MessageInput, message, string } from './schema.ts'
import { Writer } from './writer.ts'

/*
 * What members of a consumer group tell each other through JoinGroup and SyncGroup, undecoded by the coordinator of a
 * classic group (Kafka's ConsumerProtocol):
 *
 *   Version Message      Version => INT16
 *
 * A later version is read as the latest one known: versions only ever add fields at the end.
 */

/** The protocol type of consumer groups. */
export const CONSUMER_PROTOCOL_TYPE = 'consumer'

/** The latest version of both messages. */
export const CONSUMER_PROTOCOL_VERSION = 3

/** What a member wants. */
export const ConsumerProtocolSubscription = message({
  topics: array(string()),
  userData: bytes({ nullable: true, default: null }),
  /** What it has (KIP-429). */
  ownedPartitions: array({ topic: string(), partitions: array(int32()) }, { since: 1, ignorable: true }),
  /** The generation in which it got them; −1: none (KIP-792). */
  generationId: int32({ since: 2, default: -1, ignorable: true }),
  rackId: string({ since: 3, nullable: true, default: null, ignorable: true }),
})
export type ConsumerProtocolSubscription = Message<typeof ConsumerProtocolSubscription>

/** What a member gets. */
export const ConsumerProtocolAssignment = message({
  assignedPartitions: array({ topic: string(), partitions: array(int32()) }),
  userData: bytes({ nullable: true, default: null }),
})
export type ConsumerProtocolAssignment = Message<typeof ConsumerProtocolAssignment>

const subscriptionCodec = new MessageCodec(ConsumerProtocolSubscription, {
  name: 'ConsumerProtocolSubscription',
  flexibleSince: null,
})
const assignmentCodec = new MessageCodec(ConsumerProtocolAssignment, {
  name: 'ConsumerProtocolAssignment',
  flexibleSince: null,
})

/** @param version 0 to 3 */
export function encodeSubscription(
  subscription: MessageInput<typeof ConsumerProtocolSubscription>,
  version: number = CONSUMER_PROTOCOL_VERSION,
): Buffer {
  return encode(subscriptionCodec, subscription, version)
}

/**
 * Reads any version as if it were `latest`, should it be a later one.
 * @throws ProtocolError for bytes that are no subscription
 */
export function decodeSubscription(
  encoded: Buffer,
  latest: number = CONSUMER_PROTOCOL_VERSION,
): ConsumerProtocolSubscription {
  return decode(subscriptionCodec, encoded, latest)
}

/** @param version 0 to 3 */
export function encodeAssignment(
  assignment: MessageInput<typeof ConsumerProtocolAssignment>,
  version: number = CONSUMER_PROTOCOL_VERSION,
): Buffer {
  return encode(assignmentCodec, assignment, version)
}

/** @throws ProtocolError for bytes that are no assignment */
export function decodeAssignment(encoded: Buffer): ConsumerProtocolAssignment {
  return decode(assignmentCodec, encoded, CONSUMER_PROTOCOL_VERSION)
}

/** The version that an encoded subscription or assignment begins with. @throws ProtocolError */
export function consumerProtocolVersion(encoded: Buffer): number {
  const version = new Reader(encoded).int16()
  if (version < 0) throw new ProtocolError(`version ${version} of the consumer protocol, the first is 0`, 0)
  return version
}

function encode<F extends Fields>(codec: MessageCodec<F>, value: MessageInput<F>, version: number): Buffer {
  const writer = new Writer(128)
  writer.int16(version)
  codec.write(writer, version, value)
  return writer.finish()
}

function decode<F extends Fields>(codec: MessageCodec<F>, encoded: Buffer, latest: number): Message<F> {
  const version = Math.min(consumerProtocolVersion(encoded), latest)
  return codec.read(new Reader(encoded, 2), version)
}
