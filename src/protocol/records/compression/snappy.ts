import { compressSync, uncompressSync } from 'snappy'
import { DecompressedTooLargeError, DecompressionError } from '../errors.ts'

/**
 * Snappy has two forms in Kafka. The Java client writes the framing of the xerial library: this magic, two int32 version
 * numbers (own, lowest compatible), then int32 length and one raw block, again and again. librdkafka and
 * `@platformatic/kafka` write one raw block. A reader tells them apart by the magic, which no raw block starts with.
 */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER = Buffer.concat([XERIAL_MAGIC, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])
/** Input bytes a block; the xerial default. */
const BLOCK_BYTES = 32_768
/** Blocks one stream may have. Writers make blocks of 1 KiB and more; a hostile stream of empty ones must end early. */
const MAX_BLOCKS = 262_144
/** A copy element of 3 bytes stands for at most 64: no block can grow more than this. */
const MAX_EXPANSION = 22

/** Writes the xerial form. */
export function compressSnappy(bytes: Buffer): Buffer {
  const parts: Buffer[] = [XERIAL_HEADER]
  for (let position = 0; position < bytes.length; position += BLOCK_BYTES) {
    const block = compressSync(bytes.subarray(position, position + BLOCK_BYTES))
    const length = Buffer.allocUnsafe(4)
    length.writeInt32BE(block.length, 0)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

/** Reads either form. Errors: see `decompress`. */
export function decompressSnappy(bytes: Buffer, limitBytes: number): Buffer {
  const framed = bytes.length >= XERIAL_HEADER.length && bytes.compare(XERIAL_MAGIC, 0, 8, 0, 8) === 0
  return framed ? decompressXerial(bytes, limitBytes) : decompressBlock(bytes, limitBytes, limitBytes)
}

function decompressXerial(bytes: Buffer, limitBytes: number): Buffer {
  const blocks: Buffer[] = []
  let total = 0
  let position = XERIAL_HEADER.length
  while (position < bytes.length) {
    if (bytes.length - position < 4) {
      throw new DecompressionError(`snappy stream ends inside a block length, at byte ${position}`)
    }
    const length = bytes.readInt32BE(position)
    position += 4
    if (length < 0 || length > bytes.length - position) {
      throw new DecompressionError(`snappy block of ${length} bytes where ${bytes.length - position} are left`)
    }
    if (blocks.length === MAX_BLOCKS) throw new DecompressionError(`snappy stream of more than ${MAX_BLOCKS} blocks`)
    const block = decompressBlock(bytes.subarray(position, position + length), limitBytes - total, limitBytes)
    blocks.push(block)
    total += block.length
    position += length
  }
  return Buffer.concat(blocks, total)
}

/** Decompresses one raw block of at most `roomBytes`, after checking that what it declares to hold is possible. */
function decompressBlock(block: Buffer, roomBytes: number, limitBytes: number): Buffer {
  const declared = declaredLength(block)
  if (declared > block.length * MAX_EXPANSION) {
    throw new DecompressionError(`snappy block of ${block.length} bytes cannot hold the ${declared} it declares`)
  }
  if (declared > roomBytes) throw new DecompressedTooLargeError('snappy', limitBytes)
  try {
    const bytes = uncompressSync(block)
    return typeof bytes === 'string' ? Buffer.from(bytes) : bytes
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new DecompressionError(`not readable as snappy: ${reason}`, { cause: error })
  }
}

/** The uncompressed length at the head of a raw block: an unsigned varint of at most 32 bits. */
function declaredLength(block: Buffer): number {
  let value = 0
  let factor = 1
  for (let i = 0; i < 5 && i < block.length; i++) {
    const byte = block[i] ?? 0
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return value
    factor *= 128
  }
  throw new DecompressionError(`snappy block of ${block.length} bytes does not start with a length`)
}
