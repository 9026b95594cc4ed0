import crypto from 'node:crypto'
import type { ExecutionContext } from '../world/context.ts'
import { here, randomOf, soon } from './here.ts'

const realRandom = Math.random
const real = {
  randomBytes: crypto.randomBytes,
  randomUUID: crypto.randomUUID,
  randomInt: crypto.randomInt,
  randomFill: crypto.randomFill,
  randomFillSync: crypto.randomFillSync,
  pbkdf2: crypto.pbkdf2,
  scrypt: crypto.scrypt,
  getRandomValues: crypto.webcrypto.getRandomValues.bind(crypto.webcrypto),
}

type NodeCallback<T> = (error: Error | null, value?: T) => void

function uuid(place: ExecutionContext): string {
  const bytes = randomOf(place).bytes(16)
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

function fill<T extends NodeJS.ArrayBufferView | ArrayBuffer>(
  place: ExecutionContext,
  target: T,
  offset = 0,
  size?: number,
): T {
  const view =
    target instanceof ArrayBuffer
      ? new Uint8Array(target)
      : new Uint8Array(target.buffer, target.byteOffset, target.byteLength)
  const unit = (target as { readonly BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1 // Node counts in elements
  const length = size === undefined ? view.length - offset * unit : size * unit
  view.set(randomOf(place).bytes(length), offset * unit)
  return target
}

function randomBytes(size: number, callback?: NodeCallback<Buffer>): Buffer | undefined {
  const place = here()
  if (place === undefined)
    return Reflect.apply(real.randomBytes, crypto, callback === undefined ? [size] : [size, callback])
  const bytes = randomOf(place).bytes(size)
  if (callback === undefined) return bytes
  soon(place, () => callback(null, bytes))
  return undefined
}

function randomInt(...args: unknown[]): number | undefined {
  const place = here()
  if (place === undefined) return Reflect.apply(real.randomInt, crypto, args) as number
  const callback = typeof args.at(-1) === 'function' ? (args.pop() as NodeCallback<number>) : undefined
  const [low, high] = args.length === 1 ? [0, args[0] as number] : [args[0] as number, args[1] as number]
  const value = randomOf(place).int(low, high - 1)
  if (callback === undefined) return value
  soon(place, () => callback(null, value))
  return undefined
}

function randomFill(target: Buffer, ...rest: unknown[]): void {
  const place = here()
  if (place === undefined) {
    Reflect.apply(real.randomFill, crypto, [target, ...rest])
    return
  }
  const callback = rest.pop() as NodeCallback<Buffer>
  fill(place, target, rest[0] as number | undefined, rest[1] as number | undefined)
  soon(place, () => callback(null, target))
}

/** A function of the thread pool, computed at once and answered from the simulated event loop. */
function inline<T>(realAsync: (...args: never[]) => void, sync: (...args: never[]) => T): (...args: unknown[]) => void {
  return (...args) => {
    const place = here()
    if (place === undefined) {
      Reflect.apply(realAsync, crypto, args)
      return
    }
    const callback = args.pop() as NodeCallback<T>
    const value = Reflect.apply(sync, crypto, args) as T
    soon(place, () => callback(null, value))
  }
}

/** Puts seeded streams behind `Math.random` and the randomness of `node:crypto` and Web Crypto; key derivation runs inline. */
export function installRandomness(): void {
  Math.random = () => {
    const place = here()
    return place === undefined ? realRandom() : randomOf(place).float()
  }
  const randomUUID = (options?: crypto.RandomUUIDOptions): string => {
    const place = here()
    return place === undefined ? real.randomUUID(options) : uuid(place)
  }
  const getRandomValues = <T extends NodeJS.ArrayBufferView>(target: T): T => {
    const place = here()
    return place === undefined ? (real.getRandomValues(target as never) as unknown as T) : fill(place, target)
  }
  const randomFillSync = (target: Buffer, offset?: number, size?: number): Buffer => {
    const place = here()
    if (place !== undefined) return fill(place, target, offset, size)
    return Reflect.apply(
      real.randomFillSync,
      crypto,
      size === undefined ? [target, offset ?? 0] : [target, offset ?? 0, size],
    ) as Buffer
  }
  Object.assign(crypto, {
    randomBytes,
    randomUUID,
    randomInt,
    randomFill,
    randomFillSync,
    pseudoRandomBytes: randomBytes,
    pbkdf2: inline(real.pbkdf2 as never, crypto.pbkdf2Sync as never),
    scrypt: inline(real.scrypt as never, crypto.scryptSync as never),
  })
  // Own properties on the object itself: code that captured `crypto` at load time is covered too.
  for (const [name, value] of Object.entries({ getRandomValues, randomUUID })) {
    Object.defineProperty(crypto.webcrypto, name, { value, writable: true, configurable: true })
  }
}
