import zlib from 'node:zlib'
import { here, soon } from './here.ts'

type ZlibCallback = (error: Error | null, result?: Buffer) => void

const NAMES = [
  'gzip',
  'gunzip',
  'unzip',
  'deflate',
  'inflate',
  'deflateRaw',
  'inflateRaw',
  'brotliCompress',
  'brotliDecompress',
  'zstdCompress',
  'zstdDecompress',
] as const

/** Runs the one-shot compression functions inline and answers from the simulated event loop, instead of the thread pool. */
export function installZlib(): void {
  const library = zlib as unknown as Record<string, (...args: unknown[]) => unknown>
  for (const name of NAMES) {
    const realAsync = library[name]
    const sync = library[`${name}Sync`]
    if (realAsync === undefined || sync === undefined) continue
    library[name] = (buffer, ...rest) => {
      const place = here()
      if (place === undefined) return Reflect.apply(realAsync, zlib, [buffer, ...rest])
      const callback = rest.pop() as ZlibCallback
      let failure: Error | null = null
      let result: Buffer | undefined
      try {
        result = sync(buffer, ...rest) as Buffer
      } catch (error) {
        failure = error as Error
      }
      soon(place, () => callback(failure, result))
      return undefined
    }
  }
}
