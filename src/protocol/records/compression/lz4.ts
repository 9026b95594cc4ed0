import { compressFrameSync } from 'lz4-napi'
import { DecompressedTooLargeError, DecompressionError } from '../errors.ts'
import { decodeLz4Block, growLz4Output, type Lz4Output } from './lz4-block.ts'
import { xxHash32 } from './xx-hash-32.ts'

/**
 * LZ4 in Kafka is the LZ4 frame format with independent blocks:
 *
 * ```
 * Frame => magic:UINT32LE(0x184D2204) FLG BD [contentSize:UINT64LE] HC [Block] endMark:UINT32LE(0) [contentChecksum:UINT32LE]
 *   FLG => bits 7-6 version (01), 5 blocks independent, 4 block checksums, 3 content size, 2 content checksum, 1-0 zero
 *   BD  => bits 6-4 largest block (4: 64 KiB, 5: 256 KiB, 6: 1 MiB, 7: 4 MiB), others zero
 *   HC  => second byte of XXH32 over FLG … contentSize
 *   Block => size:UINT32LE (highest bit: not compressed) bytes [checksum:UINT32LE]
 * ```
 *
 * As in the Java client, linked blocks and dictionaries are refused, the checksums of header and blocks are checked, the
 * content's is not (the batch has its own), and bytes after the frame are ignored.
 */
const MAGIC = 0x184d2204
const BLOCK_CHECKSUM = 0x10
const CONTENT_SIZE = 0x08
const NOT_COMPRESSED = 0x80000000
const FIRST_OUTPUT_BYTES = 2_048

interface Frame {
  readonly maxBlockBytes: number
  readonly blockChecksums: boolean
  readonly blocksAt: number
}

/** One frame of independent blocks without checksums, as the Java client writes it. */
export function compressLz4(bytes: Buffer): Buffer {
  return compressFrameSync(bytes)
}

/** Reads one frame. Errors: see `decompress`. */
export function decompressLz4(bytes: Buffer, limitBytes: number): Buffer {
  const frame = readHeader(bytes)
  const output: Lz4Output = {
    bytes: Buffer.allocUnsafe(Math.min(limitBytes, FIRST_OUTPUT_BYTES)),
    length: 0,
    limitBytes,
  }
  let position = frame.blocksAt
  for (;;) {
    const word = readWord(bytes, position, 'a block size')
    position += 4
    const size = word & ~NOT_COMPRESSED
    if (size === 0) return output.bytes.subarray(0, output.length)
    const end = position + size
    if (size > frame.maxBlockBytes || end > bytes.length) {
      const room = Math.min(frame.maxBlockBytes, bytes.length - position)
      throw new DecompressionError(`lz4 block of ${size} bytes where at most ${room} are possible`)
    }
    if (frame.blockChecksums && readWord(bytes, end, 'a block checksum') !== xxHash32(bytes, position, end)) {
      throw new DecompressionError(`lz4 block at byte ${position} does not have its checksum`)
    }
    if (word >= NOT_COMPRESSED) appendRaw(output, bytes, position, end)
    else decodeLz4Block(bytes, position, end, output, frame.maxBlockBytes)
    position = frame.blockChecksums ? end + 4 : end
  }
}

function readHeader(bytes: Buffer): Frame {
  if (bytes.length < 7) throw new DecompressionError(`lz4 frame of ${bytes.length} bytes, the smallest has 7`)
  const magic = bytes.readUInt32LE(0)
  if (magic !== MAGIC) throw new DecompressionError(`lz4 frame starts with 0x${magic.toString(16)}, not 0x184d2204`)
  const flg = bytes.readUInt8(4)
  const bd = bytes.readUInt8(5)
  if ((flg & 0xe3) !== 0x60) {
    throw new DecompressionError(
      `lz4 frame flags 0x${flg.toString(16)}: only version 1 with independent blocks is read`,
    )
  }
  const blockSizeId = (bd >> 4) & 0x07
  if ((bd & 0x8f) !== 0 || blockSizeId < 4) {
    throw new DecompressionError(`lz4 block descriptor 0x${bd.toString(16)}, possible are 0x40, 0x50, 0x60 and 0x70`)
  }
  const checksumAt = (flg & CONTENT_SIZE) === 0 ? 6 : 14
  const expected = (xxHash32(bytes, 4, Math.min(checksumAt, bytes.length)) >>> 8) & 0xff
  if (bytes[checksumAt] !== expected) {
    throw new DecompressionError(`lz4 header checksum ${bytes[checksumAt]}, computed is ${expected}`)
  }
  return {
    maxBlockBytes: 1 << (2 * blockSizeId + 8),
    blockChecksums: (flg & BLOCK_CHECKSUM) !== 0,
    blocksAt: checksumAt + 1,
  }
}

function readWord(bytes: Buffer, position: number, what: string): number {
  if (bytes.length - position < 4) throw new DecompressionError(`lz4 frame ends before ${what}, at byte ${position}`)
  return bytes.readUInt32LE(position)
}

function appendRaw(output: Lz4Output, bytes: Buffer, start: number, end: number): void {
  const length = output.length + end - start
  if (length > output.limitBytes) throw new DecompressedTooLargeError('lz4', output.limitBytes)
  growLz4Output(output, length)
  bytes.copy(output.bytes, output.length, start, end)
  output.length = length
}
