import { DecompressedTooLargeError, DecompressionError } from '../errors.ts'

/** Where decoded bytes go: a buffer that grows by doubling up to a limit. */
export interface Lz4Output {
  bytes: Buffer
  /** Bytes of `bytes` that are filled. */
  length: number
  readonly limitBytes: number
}

/** Makes room for `length` bytes in all; `length` is at most the output's limit. */
export function growLz4Output(output: Lz4Output, length: number): void {
  if (length <= output.bytes.length) return
  const grown = Buffer.allocUnsafe(Math.min(output.limitBytes, Math.max(length, 2 * output.bytes.length)))
  output.bytes.copy(grown, 0, 0, output.length)
  output.bytes = grown
}

/**
 * Decodes the LZ4 block `input[start, end)` and adds it to the output.
 *
 * ```
 * Block => [Sequence]
 *   Sequence => token [literalLength] literals offset:UINT16LE [matchLength]   (the last one ends after its literals)
 *   token => high nibble: literals, low nibble: match length - 4; 15 is continued by bytes up to one below 255
 * ```
 *
 * Written here, not taken from a library, because it must stop at a limit exactly and before allocating.
 */
export function decodeLz4Block(input: Buffer, start: number, end: number, output: Lz4Output, maxBytes: number): void {
  const blockStart = output.length
  let position = start
  while (position < end) {
    const token = input[position++] ?? 0
    let literals = token >> 4
    if (literals === 15) {
      for (let more = 255; more === 255; literals += more) more = byteAt(input, position++, end)
    }
    if (literals > end - position) throw truncated(position)
    makeRoom(output, literals, blockStart, maxBytes)
    copyLiterals(input, position, literals, output)
    position += literals
    if (position === end) return
    if (end - position < 2) throw truncated(position)
    const offset = (input[position] ?? 0) | ((input[position + 1] ?? 0) << 8)
    position += 2
    let match = (token & 0x0f) + 4
    if (match === 19) {
      for (let more = 255; more === 255; match += more) more = byteAt(input, position++, end)
    }
    if (offset === 0 || offset > output.length - blockStart) {
      throw new DecompressionError(`lz4 match ${offset} bytes back where the block has ${output.length - blockStart}`)
    }
    makeRoom(output, match, blockStart, maxBytes)
    copyMatch(output, offset, match)
  }
  throw truncated(position)
}

function byteAt(input: Buffer, position: number, end: number): number {
  if (position >= end) throw truncated(position)
  return input[position] ?? 0
}

function truncated(position: number): DecompressionError {
  return new DecompressionError(`lz4 block ends inside a sequence, at byte ${position}`)
}

function makeRoom(output: Lz4Output, bytes: number, blockStart: number, maxBytes: number): void {
  const length = output.length + bytes
  if (length > output.limitBytes) throw new DecompressedTooLargeError('lz4', output.limitBytes)
  if (length - blockStart > maxBytes) {
    throw new DecompressionError(`lz4 block decodes to more than the frame's block size of ${maxBytes} bytes`)
  }
  growLz4Output(output, length)
}

function copyLiterals(input: Buffer, position: number, count: number, output: Lz4Output): void {
  const bytes = output.bytes
  let at = output.length
  if (count > 32) input.copy(bytes, at, position, position + count)
  else for (let i = 0; i < count; i++) bytes[at++] = input[position + i] ?? 0
  output.length += count
}

/** Copies from `offset` bytes back; when they overlap, what was just written is read again and so repeats. */
function copyMatch(output: Lz4Output, offset: number, count: number): void {
  const bytes = output.bytes
  const from = output.length - offset
  let at = output.length
  if (offset >= count && count > 32) bytes.copyWithin(at, from, from + count)
  else for (let i = 0; i < count; i++) bytes[at++] = bytes[from + i] ?? 0
  output.length += count
}
