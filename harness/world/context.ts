import { AsyncLocalStorage } from 'node:async_hooks'
import type { SimulatedProcess, SimulatedThread } from './process.ts'
import type { World } from './world.ts'

/** Which world, process and thread the running code belongs to. It follows promises, timers and sockets. */
export interface ExecutionContext {
  readonly world: World
  /** Undefined for the trial's own main program, which is outside every simulated machine. */
  readonly process: SimulatedProcess | undefined
  readonly thread: SimulatedThread | undefined
}

/*
 * One storage a process, even when this module is loaded twice (test runners do that between files): what was patched
 * once asks the storage of the module that patched it.
 */
const STORAGE = Symbol.for('kafka-trial.context')
const registry = globalThis as unknown as Record<symbol, AsyncLocalStorage<ExecutionContext> | undefined>
registry[STORAGE] ??= new AsyncLocalStorage<ExecutionContext>()
const storage = registry[STORAGE]

/** The context of the running code; undefined outside every world. */
export function currentContext(): ExecutionContext | undefined {
  return storage.getStore()
}

/** Runs code that belongs to the real machine although code of a world called it. */
export function runOutside<T>(body: () => T): T {
  return storage.exit(body)
}

export function runInContext<T>(context: ExecutionContext, body: () => T): T {
  return storage.run(context, body)
}
