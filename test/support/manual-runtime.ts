import type { Network } from '../../src/runtime/network.ts'
import { AleaRandom } from '../../src/runtime/random-alea.ts'
import type { Clock, Parker, Random, Runtime, Thread, Threads, Timer, Timers } from '../../src/runtime/runtime.ts'
import { MemoryDisk } from './memory-disk.ts'
import { MemoryNetwork } from './memory-network.ts'

const DEFAULT_WALL_START_MS = 1_700_000_000_000
const DEFAULT_LIMIT_MS = 86_400_000

export interface ManualRuntimeOptions {
  /** The host's name; default `host`. */
  readonly name?: string
  /** Decides `random`; default `manual`. */
  readonly seed?: string
  /** `clock.wallMs()` at monotonic 0. */
  readonly wallStartMs?: number
  /** The address that peers see; default 127.0.0.1. */
  readonly address?: string
  /** A disk to start from, such as the one of a runtime that is to be "restarted". */
  readonly disk?: MemoryDisk
}

/**
 * A runtime for unit tests. Time stands still until the test moves it: `advance(ms)` runs the timers that fall due on
 * the way, `run(body)` moves it as far as a body needs. Everything that can go on without time goes on by itself.
 */
export function createManualRuntime(options: ManualRuntimeOptions = {}): ManualRuntime {
  return new ManualRuntime(options, new ManualTime(), new MemoryNetwork())
}

export class ManualRuntime implements Runtime {
  readonly name: string
  readonly clock: Clock
  readonly timers: Timers
  readonly network: Network
  readonly disk: MemoryDisk
  readonly random: Random
  readonly threads: Threads
  readonly #options: ManualRuntimeOptions
  readonly #time: ManualTime
  readonly #memoryNetwork: MemoryNetwork

  constructor(options: ManualRuntimeOptions, time: ManualTime, network: MemoryNetwork) {
    this.#options = options
    this.#time = time
    this.#memoryNetwork = network
    const wallStartMs = options.wallStartMs ?? DEFAULT_WALL_START_MS
    this.name = options.name ?? 'host'
    this.clock = { monotonicMs: () => time.nowMs, wallMs: () => Math.floor(wallStartMs + time.nowMs) }
    this.timers = time
    this.network = network.on(options.address ?? '127.0.0.1')
    this.disk = options.disk ?? new MemoryDisk()
    this.random = new AleaRandom(`${options.seed ?? 'manual'}/${this.name}`)
    this.threads = new ManualThreads(time)
  }

  /** Another host in the same time and on the same network, with its own disk. */
  sibling(options: ManualRuntimeOptions & { readonly name: string }): ManualRuntime {
    return new ManualRuntime({ ...this.#options, disk: new MemoryDisk(), ...options }, this.#time, this.#memoryNetwork)
  }

  /** Timers that are set now, over all siblings. */
  get pendingTimers(): number {
    return this.#time.pending
  }

  /** Timers that have run so far, over all siblings: idle code must not make this grow. */
  get firedTimers(): number {
    return this.#time.fired
  }

  /** What parked threads wait for, over all siblings. */
  get waiting(): readonly string[] {
    return [...this.#time.parked.values()]
  }

  /** Errors that left a thread's body and that no call of this class has thrown yet. */
  get crashes(): unknown[] {
    return this.#time.crashes
  }

  /** Lets everything run that needs no time. Throws the first error that left a thread. */
  settle(): Promise<void> {
    return this.#time.settle()
  }

  /** Moves time on, running due timers in order and settling after each. */
  advance(ms: number): Promise<void> {
    return this.#time.advance(ms)
  }

  /** Runs a body, moving time on to the next timer whenever nothing else is left to do. */
  run<T>(body: () => Promise<T>, limitMs: number = DEFAULT_LIMIT_MS): Promise<T> {
    return this.#time.run(body, limitMs)
  }
}

interface ManualTimer extends Timer {
  readonly dueMs: number
  readonly callback: () => void
}

class ManualTime implements Timers {
  nowMs = 0
  fired = 0
  readonly parked = new Map<object, string>()
  readonly crashes: unknown[] = []
  /** By due time, then by age. */
  readonly #timers: ManualTimer[] = []

  get pending(): number {
    return this.#timers.length
  }

  after(delayMs: number, callback: () => void): Timer {
    if (!(delayMs >= 0)) throw new RangeError(`a timer's delay must be at least 0 ms, not ${delayMs}`)
    const timer: ManualTimer = { dueMs: this.nowMs + delayMs, callback, cancel: () => this.#remove(timer) }
    let low = 0
    for (let high = this.#timers.length; low < high; ) {
      const middle = (low + high) >> 1
      if ((this.#timers[middle]?.dueMs ?? Infinity) <= timer.dueMs) low = middle + 1
      else high = middle
    }
    this.#timers.splice(low, 0, timer)
    return timer
  }

  async settle(): Promise<void> {
    // A macrotask comes only after all microtasks, however long their chain.
    await new Promise<void>(resolve => setImmediate(resolve))
    if (this.crashes.length > 0) throw this.crashes.shift()
  }

  async advance(ms: number): Promise<void> {
    const targetMs = this.nowMs + ms
    await this.settle()
    while ((this.#timers[0]?.dueMs ?? Infinity) <= targetMs) await this.#fireNext()
    this.nowMs = targetMs
  }

  async run<T>(body: () => Promise<T>, limitMs: number): Promise<T> {
    const untilMs = this.nowMs + limitMs
    let settled = false
    const result = body()
    const done = () => {
      settled = true
    }
    result.then(done, done)
    await this.settle()
    while (!settled) {
      const next = this.#timers[0]
      const parked = [...this.parked.values()].join(', ')
      if (next === undefined) throw new Error(`deadlock: the body waits and no timer is set; parked: ${parked}`)
      if (next.dueMs > untilMs) throw new Error(`the body takes longer than ${limitMs} ms; parked: ${parked}`)
      await this.#fireNext()
    }
    return result
  }

  async #fireNext(): Promise<void> {
    const timer = this.#timers.shift()
    if (timer === undefined) return
    this.nowMs = Math.max(this.nowMs, timer.dueMs)
    this.fired += 1
    timer.callback()
    await this.settle()
  }

  #remove(timer: ManualTimer): void {
    const index = this.#timers.indexOf(timer)
    if (index >= 0) this.#timers.splice(index, 1)
  }
}

class ManualThreads implements Threads {
  readonly #time: ManualTime

  constructor(time: ManualTime) {
    this.#time = time
  }

  start(name: string, body: () => Promise<void>): Thread {
    const done = Promise.resolve()
      .then(body)
      .catch((error: unknown) => {
        this.#time.crashes.push(error)
      })
    return { name, done }
  }

  park(reason: string): Parker {
    const { promise, resolve } = Promise.withResolvers<void>()
    const parker: Parker = {
      parked: promise,
      unpark: () => {
        this.#time.parked.delete(parker)
        resolve()
      },
    }
    this.#time.parked.set(parker, reason)
    return parker
  }

  async spend(): Promise<void> {}
}
