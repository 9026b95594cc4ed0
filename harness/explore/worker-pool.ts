import type { ChildProcess } from 'node:child_process'
import type { Answers, Order, WorkerMessage } from './orders.ts'
import { after, forkModule } from './real-host.ts'

/** A worker ended, hung or refused an order: a defect of the harness, or of what it cannot fence in. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError'
}

/** Carries out orders; tests put something else in its place. */
export interface Workforce {
  /** Orders that are carried out at the same time. */
  readonly size: number
  /** The most memory a worker was seen to use, bytes. */
  readonly rssMaxBytes: number
  /** @throws WorkerError */
  ask<O extends Order>(order: O): Promise<Answers[O['type']]>
  /** Ends all workers. */
  close(): void
}

/** A worker that says nothing for so long hangs. The longest a trial may take is 20 million events: about 30 s. */
const SILENCE_MS: Readonly<Record<Order['type'], number>> = { trial: 300_000, replay: 300_000, shrink: 600_000 }
/** Of what a worker writes to its standard error, so many characters from its end are kept ... */
const STDERR_KEPT = 32_768
/** ... and so many of them reported, without the frames of native code, which would push out what happened. */
const STDERR_REPORTED = 2000
const NATIVE_FRAME = /^\s*\d+: 0x[0-9a-f]+ .*$\n?/gm
const DEFAULT_HEAP_MIB = 400

/** What a worker process loads besides the worker itself. */
export interface WorkerLoading {
  /** Modules that are loaded before everything else. */
  readonly imports?: readonly URL[]
  /** Variables of its environment besides those of this process. */
  readonly env?: Readonly<Record<string, string>>
}

interface Waiting {
  readonly resolve: (answer: never) => void
  readonly reject: (error: WorkerError) => void
  readonly cancelWatchdog: () => void
}

/** One worker process; replaced by a fresh one after it ended. */
class Worker {
  busy = false
  rssMaxBytes = 0
  readonly #heapMiB: number
  readonly #loading: WorkerLoading
  #process: ChildProcess | undefined
  #waiting: Waiting | undefined
  #stderr = ''

  constructor(heapMiB: number, loading: WorkerLoading) {
    this.#heapMiB = heapMiB
    this.#loading = loading
  }

  ask(order: Order): Promise<never> {
    this.#process ??= this.#start()
    this.busy = true
    const { promise, resolve, reject } = Promise.withResolvers<never>()
    const cancelWatchdog = after(SILENCE_MS[order.type], () => {
      this.#end(`said nothing for ${SILENCE_MS[order.type] / 1000} s and was ended`)
    })
    this.#waiting = { resolve, reject, cancelWatchdog }
    this.#process.send(order, error => {
      if (error !== null) this.#end(`could not be reached: ${error.message}`)
    })
    return promise
  }

  close(): void {
    this.#process?.removeAllListeners('close')
    this.#end('was closed')
  }

  #start(): ChildProcess {
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js'
    const child = forkModule(new URL(file, import.meta.url), this.#heapMiB, this.#loading.imports, this.#loading.env)
    this.#stderr = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_KEPT)
    })
    child.on('message', (message: WorkerMessage) => this.#answered(message))
    // 'close' and not 'exit': what the worker wrote last may arrive after its end.
    child.on('close', (code, signal) => {
      if (this.#process === child) this.#end(`ended with ${signal ?? `code ${code}`}`)
    })
    child.on('error', error => {
      if (this.#process === child) this.#end(`failed: ${error.message}`)
    })
    return child
  }

  #answered(message: WorkerMessage): void {
    this.rssMaxBytes = Math.max(this.rssMaxBytes, message.rssBytes)
    const waiting = this.#take()
    if (message.ok) waiting?.resolve(message.answer as never)
    else waiting?.reject(new WorkerError(message.message))
  }

  #end(why: string): void {
    const child = this.#process
    this.#process = undefined
    child?.kill('SIGKILL')
    const written = this.#stderr.replaceAll(NATIVE_FRAME, '').trim().slice(-STDERR_REPORTED)
    this.#take()?.reject(new WorkerError(`the worker ${why}${written === '' ? '' : `\n${written}`}`))
  }

  #take(): Waiting | undefined {
    const waiting = this.#waiting
    this.#waiting = undefined
    this.busy = false
    waiting?.cancelWatchdog()
    return waiting
  }
}

/** Worker processes, started when they are first needed. Orders beyond their number wait for a free one. */
export class WorkerPool implements Workforce {
  readonly #workers: readonly Worker[]
  readonly #queue: (() => void)[] = []

  /** @param heapMiB of memory for the objects of one worker; trials need a tenth of the default, a full trace may need more */
  constructor(size: number, heapMiB = DEFAULT_HEAP_MIB, loading: WorkerLoading = {}) {
    this.#workers = Array.from({ length: size }, () => new Worker(heapMiB, loading))
  }

  get size(): number {
    return this.#workers.length
  }

  get rssMaxBytes(): number {
    return Math.max(0, ...this.#workers.map(({ rssMaxBytes }) => rssMaxBytes))
  }

  async ask<O extends Order>(order: O): Promise<Answers[O['type']]> {
    const worker = await this.#free()
    try {
      return await worker.ask(order)
    } finally {
      this.#queue.shift()?.()
    }
  }

  close(): void {
    for (const worker of this.#workers) worker.close()
  }

  async #free(): Promise<Worker> {
    for (;;) {
      const worker = this.#workers.find(({ busy }) => !busy)
      if (worker !== undefined) {
        worker.busy = true
        return worker
      }
      await new Promise<void>(resolve => this.#queue.push(resolve))
    }
  }
}
