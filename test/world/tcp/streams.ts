import type { Connection } from '../../../src/runtime/network.ts'

/** Numbered bytes, so that a mix-up shows. */
export function pattern(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => index % 251))
}

/** Reads whenever there is something, until the stream ends. */
export function collect(connection: Connection): { readonly bytes: () => Buffer; ended: boolean } {
  const chunks: Buffer[] = []
  const result = { bytes: () => Buffer.concat(chunks), ended: false }
  const onReady = (): void => {
    for (;;) {
      const chunk = connection.read(1000)
      if (chunk === null) return
      if (!Buffer.isBuffer(chunk)) {
        result.ended = true
        return
      }
      chunks.push(chunk)
    }
  }
  connection.onReady(onReady)
  return result
}

/** Writes all of it, as room comes. */
export function pour(connection: Connection, bytes: Buffer): { readonly left: () => number } {
  let rest = bytes
  const onReady = (): void => {
    rest = rest.subarray(connection.write(rest))
  }
  connection.onReady(() => {
    if (rest.length > 0) onReady()
  })
  onReady()
  return { left: () => rest.length }
}
