import type { Parker, Thread, Threads } from '../runtime.ts'
import type { CrashHandler } from './crash.ts'

const NO_WAIT = Promise.resolve()

/** Threads as promise chains; a woken one goes on in a microtask. Processor time is what it is: `spend` costs nothing. */
export class NodeThreads implements Threads {
  readonly #onCrash: CrashHandler

  constructor(onCrash: CrashHandler) {
    this.#onCrash = onCrash
  }

  start(name: string, body: () => Promise<void>): Thread {
    const done = NO_WAIT.then(body).catch((error: unknown) => this.#onCrash(error, name))
    return { name, done }
  }

  park(_reason: string): Parker {
    const { promise, resolve } = Promise.withResolvers<void>()
    return { parked: promise, unpark: resolve }
  }

  spend(_cpuUs: number): Promise<void> {
    return NO_WAIT
  }
}
