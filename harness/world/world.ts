import { AsyncResource } from 'node:async_hooks'
import { aleaStream } from '../../src/runtime/random-alea.ts'
import type { RandomStream } from '../../src/runtime/runtime.ts'
import { runInContext } from './context.ts'
import { DEFAULT_DRAIN, type DrainName, drainTicks, inMacrotask, realMilliseconds } from './drain.ts'
import { WorldError } from './errors.ts'
import { EventHeap, type WorldEvent } from './event-heap.ts'
import { type HostOptions, SimulatedHost } from './host.ts'
import type { Lane } from './lane.ts'
import type { SimulatedProcess } from './process.ts'
import { createSchedule, type ScheduleName, type ScheduleStrategy } from './schedule.ts'
import { type NetworkOptions, SimulatedNetwork } from './tcp/network.ts'
import { Trace, type TraceKind, type TraceMode } from './trace.ts'
import { guardUncaught } from './uncaught-guard.ts'

export interface WorldOptions {
  /** Decides everything that the code under test does not. */
  readonly seed: string
  /** Wall time at the beginning, milliseconds since 1970. Default 2026-01-01T00:00:00Z. */
  readonly epochMs?: number
  readonly drain?: DrainName
  readonly schedule?: ScheduleName
  readonly trace?: TraceMode
  readonly network?: NetworkOptions
  /** The trial stops with `EVENT_LIMIT` after this many events. Default 20 million. */
  readonly maxEvents?: number
  /** The trial stops with `TIME_LIMIT` at this virtual time. Default one day. */
  readonly maxVirtualMs?: number
  /** Capture the stack where the event of this trace index was scheduled (to explain a divergence). */
  readonly explainIndex?: number
  /** Called before each event, with whose it is: to measure who uses the real processor. It must not touch the world. */
  readonly onEvent?: (lane: Lane) => void
}

const DEFAULT_EPOCH_MS = 1_767_225_600_000
const DEFAULT_MAX_EVENTS = 20_000_000
const DEFAULT_MAX_VIRTUAL_MS = 86_400_000
const CONTEXT_OPTIONS = { requireManualDestroy: true }

/** What a finished run cost. */
export interface WorldStatistics {
  readonly events: number
  readonly virtualMs: number
  readonly wallMs: number
}

/**
 * Virtual time and everything that happens in it: a heap of events, the hosts and the network between them. The whole
 * trial runs on it: an event runs, then all promise callbacks it caused, then the next event, at its own time.
 */
export class World {
  readonly seed: string
  readonly epochMs: number
  readonly trace: Trace
  readonly schedule: ScheduleStrategy
  readonly network: SimulatedNetwork
  readonly hosts = new Map<string, SimulatedHost>()
  /** The lane of the trial's main program. */
  readonly mainLane: Lane
  /** Real milliseconds, for benchmarks of code that runs in the world. */
  readonly realMilliseconds = realMilliseconds
  /** Where scheduled, if `explainIndex` asked for it. */
  explanation: string | undefined
  readonly #drain: DrainName
  readonly #maxEvents: number
  readonly #maxVirtualUs: number
  readonly #explainIndex: number | undefined
  readonly #onEvent: WorldOptions['onEvent']
  readonly #heap = new EventHeap()
  readonly #stacks = new Map<WorldEvent, string>()
  #nowUs = 0
  #sequence = 0
  #lanes = 0
  #events = 0
  #state: 'new' | 'running' | 'ended' = 'new'
  #outcome: { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown } | undefined
  #wallMs = 0

  constructor(options: WorldOptions) {
    this.seed = options.seed
    this.epochMs = options.epochMs ?? DEFAULT_EPOCH_MS
    this.trace = new Trace(options.trace ?? 'digest')
    this.schedule = createSchedule(options.schedule ?? 'fifo', this.random('schedule'))
    this.mainLane = this.lane('main', undefined)
    this.network = new SimulatedNetwork(this, options.network ?? {})
    this.#drain = options.drain ?? DEFAULT_DRAIN
    this.#maxEvents = options.maxEvents ?? DEFAULT_MAX_EVENTS
    this.#maxVirtualUs = Math.round((options.maxVirtualMs ?? DEFAULT_MAX_VIRTUAL_MS) * 1000)
    this.#explainIndex = options.explainIndex
    this.#onEvent = options.onEvent
  }

  /** Whole microseconds since the world began. */
  get nowUs(): number {
    return this.#nowUs
  }

  /** Milliseconds since the world began, with fractions. */
  get nowMs(): number {
    return this.#nowUs / 1000
  }

  /** Whether code of this world may still do anything; false before and after the run. */
  get running(): boolean {
    return this.#state === 'running'
  }

  get statistics(): WorldStatistics {
    return { events: this.#events, virtualMs: this.nowMs, wallMs: this.#wallMs }
  }

  /** An independent stream of random numbers; the same seed and label always give the same draws. */
  random(label: string): RandomStream {
    return aleaStream(`${this.seed}/${label}`)
  }

  /** Adds a machine. Its name is its host name in the simulated DNS. */
  host(name: string, options: HostOptions = {}): SimulatedHost {
    if (this.hosts.has(name)) throw new RangeError(`the world already has a host named ${name}`)
    const host = new SimulatedHost(this, name, options)
    this.hosts.set(name, host)
    return host
  }

  lane(name: string, process: SimulatedProcess | undefined): Lane {
    const lane: Lane = { id: this.#lanes++, name, process, held: undefined }
    this.trace.nameLane(lane.id, name)
    return lane
  }

  /** Lets something happen at a virtual time (microseconds, not before now). */
  at(timeUs: number, lane: Lane, kind: TraceKind, run: () => void): WorldEvent {
    return this.#push(timeUs, lane, kind, run, undefined)
  }

  /** As `at`, in an async context, by default the caller's: for callbacks of third-party code. */
  atInContext(
    timeUs: number,
    lane: Lane,
    kind: TraceKind,
    run: () => void,
    context: AsyncResource = captureContext(),
  ): WorldEvent {
    return this.#push(timeUs, lane, kind, run, context)
  }

  /** A promise that resolves when `delayMs` of virtual time have passed. For the trial's main program. */
  sleep(delayMs: number): Promise<void> {
    return new Promise(resolve => this.at(this.#nowUs + Math.round(delayMs * 1000), this.mainLane, 'timer', resolve))
  }

  /** Puts a fact into the trace and the digest. */
  note(kind: TraceKind, detail: string, lane: Lane = this.mainLane): void {
    this.trace.text(this.#nowUs, lane.id, kind, detail)
  }

  /** Lets events that were held back (a paused host, a frozen thread) happen now, in their old order. */
  release(events: WorldEvent[]): void {
    events.sort((a, b) => a.timeUs - b.timeUs || a.sequence - b.sequence)
    for (const event of events) {
      if (event.cancelled) continue
      event.timeUs = this.#nowUs
      event.sequence = this.#sequence++
      event.priority = this.schedule.priority(event.lane, this.#nowUs)
      this.#heap.push(event)
    }
  }

  /** Ends the run with an error. The first one counts. */
  fail(error: unknown): void {
    this.#outcome ??= { ok: false, error }
  }

  /**
   * Runs `main` to its end on virtual time. Rejects with `main`'s error, or with `WorldError`: `DEADLOCK` when nothing
   * is left to happen and `main` still waits, `EVENT_LIMIT`, `TIME_LIMIT`, `UNCAUGHT`, `ESCAPE`. A world runs once.
   */
  run<T>(main: () => Promise<T>): Promise<T> {
    if (this.#state !== 'new') return Promise.reject(new WorldError('ALREADY_RUNNING', this.nowMs, 'a world runs once'))
    this.#state = 'running'
    return new Promise<T>((resolve, reject) => {
      inMacrotask(() => {
        const restore = guardUncaught(this)
        const startedMs = realMilliseconds()
        const finish = (): void => {
          this.#state = 'ended'
          this.#wallMs = realMilliseconds() - startedMs
          restore()
          const outcome = this.#outcome
          if (outcome?.ok) resolve(outcome.value as T)
          else reject(outcome?.error)
        }
        runInContext({ world: this, process: undefined, thread: undefined }, () => {
          this.at(0, this.mainLane, 'start', () => this.#startMain(main))
          if (this.#drain === 'tick') this.#pumpTicks(finish)
          else this.#pumpImmediates(finish)
        })
      })
    })
  }

  #startMain(main: () => Promise<unknown>): void {
    main().then(
      value => {
        this.#outcome ??= { ok: true, value }
      },
      (error: unknown) => this.fail(error),
    )
  }

  #pumpTicks(finish: () => void): void {
    try {
      do drainTicks()
      while (this.#step())
    } catch (error) {
      this.uncaught(error)
    }
    finish()
  }

  #pumpImmediates(finish: () => void): void {
    const pump = (): void => {
      let more = false
      try {
        more = this.#step()
      } catch (error) {
        this.uncaught(error)
      }
      if (more) inMacrotask(pump)
      else finish()
    }
    pump()
  }

  /** Runs the next event; false when the run is over. */
  #step(): boolean {
    if (this.#outcome !== undefined) return false
    const event = this.#next()
    if (event === undefined) {
      this.fail(
        new WorldError(
          'DEADLOCK',
          this.nowMs,
          `nothing is left to happen, but the trial still waits${this.whoWaits()}`,
        ),
      )
      return false
    }
    if (event.timeUs > this.#maxVirtualUs) {
      this.fail(
        new WorldError(
          'TIME_LIMIT',
          this.nowMs,
          `the limit of ${this.#maxVirtualUs / 1000} virtual ms is reached${this.whoWaits()}`,
        ),
      )
      return false
    }
    if (this.#events >= this.#maxEvents) {
      this.fail(
        new WorldError(
          'EVENT_LIMIT',
          this.nowMs,
          `the limit of ${this.#maxEvents} events is reached${this.whoWaits()}`,
        ),
      )
      return false
    }
    this.#nowUs = event.timeUs
    this.#events++
    if (this.#explainIndex !== undefined) this.#explain(event)
    this.#onEvent?.(event.lane)
    this.trace.event(event.timeUs, event.lane.id, event.kind)
    try {
      if (event.context === undefined) event.run()
      else event.context.runInAsyncScope(event.run)
    } catch (error) {
      this.uncaught(error, event.lane.process)
    }
    return true
  }

  #next(): WorldEvent | undefined {
    for (;;) {
      const event = this.#heap.pop()
      if (event === undefined) return undefined
      if (event.cancelled) continue
      const { lane } = event
      const process = lane.process
      if (process !== undefined && !process.alive) continue
      const held = lane.held ?? process?.held
      if (held === undefined) return event
      held.push(event)
    }
  }

  #push(timeUs: number, lane: Lane, kind: TraceKind, run: () => void, context: AsyncResource | undefined): WorldEvent {
    const at = Math.max(timeUs, this.#nowUs)
    if (Number.isNaN(at)) throw new RangeError('an event needs a time, not NaN: it would spoil the order of all others')
    const event: WorldEvent = {
      timeUs: at,
      priority: this.schedule.priority(lane, at),
      sequence: this.#sequence++,
      lane,
      kind,
      run,
      context,
      cancelled: false,
    }
    if (this.#state === 'ended') return event // left-overs of a finished trial stay quiet
    this.#heap.push(event)
    if (this.#explainIndex !== undefined && this.trace.count <= this.#explainIndex) this.#stacks.set(event, stackNow())
    return event
  }

  /** The entry that is asked for is written by the last event that begins at or before it. */
  #explain(event: WorldEvent): void {
    if (this.trace.count <= (this.#explainIndex ?? 0)) this.explanation = this.#stacks.get(event)
    this.#stacks.delete(event)
  }

  /** Every live thread and what it waits for, for reports. */
  whoWaits(): string {
    const lines: string[] = []
    for (const host of this.hosts.values()) {
      for (const process of host.processes) {
        for (const thread of process.threads) {
          if (thread.waitsFor !== undefined) {
            lines.push(
              `\n  ${thread.lane.name} waits for ${thread.waitsFor} since ${(thread.waitsSinceUs / 1000).toFixed(3)} ms`,
            )
          }
        }
      }
    }
    return lines.length === 0 ? '' : `; threads:${lines.join('')}`
  }

  /** An error that no code of `owner` handled: the process ends, as on a real host; without an owner the trial fails. */
  uncaught(error: unknown, owner?: SimulatedProcess): void {
    if (owner !== undefined && !owner.alive) return // what was left of a dead process stumbled on
    if (owner?.onCrash !== undefined) {
      owner.kill()
      owner.onCrash('main', error)
      return
    }
    const message = `nobody handled ${describeError(error)}`
    this.fail(error instanceof WorldError ? error : new WorldError('UNCAUGHT', this.nowMs, message, { cause: error }))
  }
}

/** The running code's async context, to be entered again later. */
export function captureContext(): AsyncResource {
  return new AsyncResource('KAFKA_TRIAL_EVENT', CONTEXT_OPTIONS)
}

/** Who called, deep enough to reach the application behind streams and sockets. */
function stackNow(): string {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 50
  const { stack } = new Error('scheduled here')
  Error.stackTraceLimit = limit
  return stack ?? ''
}

function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
