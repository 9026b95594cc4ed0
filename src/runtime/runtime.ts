import type { Disk } from './disk.ts'
import type { Network } from './network.ts'

/**
 * What the product may ask of its host. Two hosts implement it: `runtime/node/` (the real machine) and the harness's
 * world (virtual time, simulated network and disk). Whatever needs time, input, output or randomness takes a `Runtime`
 * as its first constructor argument; there are no ambient globals in `src/`.
 */
export interface Runtime {
  /** The host's name, for logs and traces: `broker-1`. */
  readonly name: string
  readonly clock: Clock
  readonly timers: Timers
  readonly network: Network
  readonly disk: Disk
  readonly random: Random
  readonly threads: Threads
}

/** The two clocks of a machine. They may disagree: wall time can jump or drift, monotonic time cannot go back. */
export interface Clock {
  /** Milliseconds since an arbitrary start, with fractions. For durations and deadlines. */
  monotonicMs(): number
  /** Whole milliseconds since 1970-01-01 UTC as this host believes. For timestamps in records. */
  wallMs(): number
}

export interface Timers {
  /** Calls `callback` once, not earlier than `delayMs` (≥ 0) from now on the monotonic clock. */
  after(delayMs: number, callback: () => void): Timer
}

export interface Timer {
  /** Idempotent; does nothing after the callback ran. */
  cancel(): void
}

export interface Random {
  /** An independent stream for one purpose. The same label on the same host gives the same draws in the world. */
  stream(label: string): RandomStream
}

export interface RandomStream {
  /** Uniform in [0, 1). */
  float(): number
  /** Uniform whole number in [low, high], both included. */
  int(low: number, high: number): number
  /** `length` random bytes. */
  bytes(length: number): Buffer
}

/**
 * Kafka's threads as named async loops. Between two waits a thread runs alone; it waits only on what is built on
 * `park` (bounded queue, mutex, condition, purgatory) and on `spend`. Every wake-up passes through the host, which is
 * what lets the world choose who runs next.
 */
export interface Threads {
  /** Starts `body` as a thread. An error that leaves the body is a crash of the process: the host reports it. */
  start(name: string, body: () => Promise<void>): Thread
  /**
   * Suspends the calling thread: await the result's `parked`. `reason` says what it waits for and appears in deadlock
   * reports: `RequestChannel.receive`.
   */
  park(reason: string): Parker
  /** Uses `cpuUs` (≥ 0) microseconds of processor time: virtual time passes in the world, nothing happens on a real host. */
  spend(cpuUs: number): Promise<void>
}

export interface Thread {
  readonly name: string
  /** Settles when the body has ended. */
  readonly done: Promise<void>
}

export interface Parker {
  readonly parked: Promise<void>
  /** Hands the wake-up to the host, which resumes the thread later, never inside this call. Idempotent. */
  unpark(): void
}
