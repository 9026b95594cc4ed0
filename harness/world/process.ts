import type { Disk } from '../../src/runtime/disk.ts'
import type { Network } from '../../src/runtime/network.ts'
import type { Clock, Parker, Random, Runtime, Thread, Threads, Timer, Timers } from '../../src/runtime/runtime.ts'
import { currentContext, type ExecutionContext, runInContext } from './context.ts'
import type { WorldEvent } from './event-heap.ts'
import type { SimulatedHost } from './host.ts'
import type { Lane } from './lane.ts'
import type { World } from './world.ts'

/** A thread of a simulated process. */
export interface SimulatedThread extends Thread {
  readonly lane: Lane
  /** What it waits for now; undefined while it runs or is about to. */
  waitsFor: string | undefined
  waitsSinceUs: number
}

/**
 * A process on a simulated machine, and the `Runtime` that code in it is given. When it dies its events are dropped and
 * its promises never settle: code in it just stops, wherever it was.
 */
export class SimulatedProcess implements Runtime {
  readonly host: SimulatedHost
  readonly name: string
  readonly clock: Clock
  readonly timers: Timers
  readonly network: Network
  readonly disk: Disk
  readonly random: Random
  readonly threads: Threads & Iterable<SimulatedThread>
  /** The lane of timers and of callbacks that belong to no thread. */
  readonly mainLane: Lane
  /** Context of code in this process that runs in no thread of its own. */
  readonly context: ExecutionContext
  /** While set, the process is paused and its due events wait here. */
  held: WorldEvent[] | undefined
  /** Timers of unmodified code that have fired in this process. */
  timersFired = 0
  /** Called when an error leaves a thread's body; the process is dead by then. */
  onCrash: ((thread: string, error: unknown) => void) | undefined
  #alive = true

  constructor(host: SimulatedHost, name: string, incarnation: number) {
    const { world } = host
    this.host = host
    this.name = name
    this.mainLane = world.lane(`${name}#${incarnation}`, this)
    this.context = { world, process: this, thread: undefined }
    this.clock = host.clock
    this.timers = { after: (delayMs, callback) => this.#after(delayMs, callback) }
    this.threads = new SimulatedThreads(this)
    this.random = { stream: label => world.random(`${name}/${incarnation}/${label}`) }
    this.network = host.kernel.networkOf(this)
    this.disk = host.disk.diskOf(this)
  }

  get alive(): boolean {
    return this.#alive
  }

  get world(): World {
    return this.host.world
  }

  /** Runs code as part of this process: timers, sockets and random draws made in it belong to this process. */
  run<T>(body: () => T): T {
    return runInContext(this.context, body)
  }

  /** Ends the process as `kill -9` does; the kernel closes its sockets. */
  kill(): void {
    if (!this.#alive) return
    this.#die()
    this.host.kernel.closeAllOf(this)
  }

  /** Ends the process without anyone hearing of it: its machine lost power. */
  vanish(): void {
    if (this.#alive) this.#die()
  }

  pause(): void {
    if (this.#alive) this.held ??= []
  }

  resume(): void {
    const held = this.held
    this.held = undefined
    if (held !== undefined) this.world.release(held)
  }

  #die(): void {
    this.#alive = false
    this.held = undefined
    this.host.forget(this)
    this.host.disk.forget(this)
  }

  #after(delayMs: number, callback: () => void): Timer {
    const { world, host } = this
    const delayUs = delayMs > 0 ? host.clock.toWorldUs(delayMs) : 0
    const event = world.at(world.nowUs + delayUs, this.mainLane, 'timer', callback)
    return {
      cancel: () => {
        event.cancelled = true
      },
    }
  }
}

class SimulatedThreads implements Threads, Iterable<SimulatedThread> {
  readonly #process: SimulatedProcess
  readonly #live = new Set<SimulatedThread>()

  constructor(process: SimulatedProcess) {
    this.#process = process
  }

  [Symbol.iterator](): Iterator<SimulatedThread> {
    return this.#live[Symbol.iterator]()
  }

  start(name: string, body: () => Promise<void>): Thread {
    const process = this.#process
    const { world } = process
    const { promise: done, resolve } = Promise.withResolvers<void>()
    const lane = world.lane(`${process.name}/${name}`, process)
    const thread: SimulatedThread = { name, lane, done, waitsFor: undefined, waitsSinceUs: 0 }
    this.#live.add(thread)
    const context: ExecutionContext = { world, process, thread }
    world.at(world.nowUs + world.schedule.wakeDelayUs(lane, world.nowUs), lane, 'start', () => {
      runInContext(context, () => body()).then(
        () => {
          this.#live.delete(thread)
          resolve()
        },
        (error: unknown) => {
          this.#live.delete(thread)
          this.#crash(thread, error)
        },
      )
    })
    return thread
  }

  park(reason: string): Parker {
    const { world } = this.#process
    const context = currentContext()
    const thread = context?.process === this.#process ? context.thread : undefined
    const lane = thread?.lane ?? this.#process.mainLane
    const { promise: parked, resolve } = Promise.withResolvers<void>()
    if (thread !== undefined) {
      thread.waitsFor = reason
      thread.waitsSinceUs = world.nowUs
    }
    let unparked = false
    return {
      parked,
      unpark: () => {
        if (unparked) return
        unparked = true
        if (thread !== undefined) thread.waitsFor = undefined
        world.at(world.nowUs + world.schedule.wakeDelayUs(lane, world.nowUs), lane, 'wake', resolve)
      },
    }
  }

  spend(cpuUs: number): Promise<void> {
    const process = this.#process
    const { world } = process
    const context = currentContext()
    const thread = context?.process === process ? context.thread : undefined
    const doneUs = process.host.reserveCpu(cpuUs)
    return new Promise(resolve => world.at(doneUs, thread?.lane ?? process.mainLane, 'spend', resolve))
  }

  #crash(thread: SimulatedThread, error: unknown): void {
    const process = this.#process
    if (!process.alive) return // what was left of the dead process stumbled on to here
    process.kill()
    if (process.onCrash === undefined) process.world.fail(error)
    else process.onCrash(thread.name, error)
  }
}
