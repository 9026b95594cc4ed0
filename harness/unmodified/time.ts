import { here, monotonicMsOf, wallMsOf } from './here.ts'
import { VirtualTimer } from './timers.ts'

const RealDate = Date
const realNow = performance.now.bind(performance)
const realHrtime = process.hrtime
const realHrtimeBigint = process.hrtime.bigint
const realUptime = process.uptime.bind(process)
const realAbortTimeout = AbortSignal.timeout.bind(AbortSignal)
const NANOSECONDS = 1_000_000_000

/** `Date` that reads the host's wall clock; it shares the prototype, so `instanceof` holds in both directions. */
function VirtualDate(this: unknown, ...args: unknown[]): unknown {
  const place = here()
  if (new.target === undefined) return place === undefined ? RealDate() : new RealDate(wallMsOf(place)).toString()
  const values = args.length === 0 && place !== undefined ? [wallMsOf(place)] : args
  const target = (new.target as unknown) === VirtualDate ? RealDate : new.target
  return Reflect.construct(RealDate, values, target)
}

function installDate(): void {
  const statics = {
    now: () => {
      const place = here()
      return place === undefined ? RealDate.now() : wallMsOf(place)
    },
    parse: RealDate.parse,
    UTC: RealDate.UTC,
  }
  for (const [name, value] of Object.entries(statics)) {
    Object.defineProperty(VirtualDate, name, { value, writable: true, configurable: true })
  }
  Object.defineProperty(VirtualDate, 'prototype', { value: RealDate.prototype })
  Object.defineProperty(VirtualDate, 'name', { value: 'Date' })
  Object.defineProperty(VirtualDate, 'length', { value: 7 })
  Object.defineProperty(RealDate.prototype, 'constructor', { value: VirtualDate, writable: true, configurable: true })
  Object.defineProperty(globalThis, 'Date', { value: VirtualDate, writable: true, configurable: true })
}

function hrtime(previous?: [number, number]): [number, number] {
  const place = here()
  if (place === undefined) return Reflect.apply(realHrtime, process, [previous]) as [number, number]
  const totalNs = Math.round(monotonicMsOf(place) * 1_000_000)
  const seconds = Math.floor(totalNs / NANOSECONDS)
  const nanoseconds = totalNs % NANOSECONDS
  if (previous === undefined) return [seconds, nanoseconds]
  const borrow = nanoseconds < previous[1]
  return [seconds - previous[0] - (borrow ? 1 : 0), nanoseconds - previous[1] + (borrow ? NANOSECONDS : 0)]
}

function installMonotonic(): void {
  const now = (): number => {
    const place = here()
    return place === undefined ? realNow() : monotonicMsOf(place)
  }
  const realOrigin = performance.timeOrigin
  const timeOrigin = (): number => {
    const place = here()
    return place === undefined ? realOrigin : wallMsOf(place) - monotonicMsOf(place)
  }
  Object.defineProperty(performance, 'now', { value: now, writable: true, configurable: true })
  Object.defineProperty(performance, 'timeOrigin', { get: timeOrigin, configurable: true })
  const bigint = (): bigint => {
    const place = here()
    return place === undefined ? realHrtimeBigint() : BigInt(Math.round(monotonicMsOf(place) * 1_000_000))
  }
  process.hrtime = Object.assign(hrtime, { bigint }) as typeof process.hrtime
  process.uptime = () => {
    const place = here()
    return place === undefined ? realUptime() : monotonicMsOf(place) / 1000
  }
}

function installAbortTimeout(): void {
  AbortSignal.timeout = (delayMs: number): AbortSignal => {
    const place = here()
    if (place === undefined) return realAbortTimeout(delayMs)
    const controller = new AbortController()
    const abort = (): void =>
      controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
    new VirtualTimer(place, abort, [], Math.max(1, Math.trunc(delayMs)), false)
    return controller.signal
  }
}

/** Puts the place's clocks behind `Date`, `performance.now`, `process.hrtime`, `process.uptime` and `AbortSignal.timeout`. */
export function installTime(): void {
  installDate()
  installMonotonic()
  installAbortTimeout()
}
