import { resolve } from 'node:path'
import { AleaRandom } from '../random-alea.ts'
import type { Runtime } from '../runtime.ts'
import { type CrashHandler, crashProcess } from './crash.ts'
import { nodeClock } from './node-clock.ts'
import { NodeDisk } from './node-disk.ts'
import { NodeNetwork } from './node-network.ts'
import { nodeRandom } from './node-random.ts'
import { NodeThreads } from './node-threads.ts'
import { NodeTimers } from './node-timers.ts'

const DEFAULT_LINGER_MS = 5_000

export interface NodeRuntimeOptions {
  /** The host's name, for logs. */
  readonly name: string
  /** The directory under which all files lie; made when it is missing. */
  readonly dataDirectory: string
  /** Makes `random` repeatable, and guessable; without it randomness comes from the operating system. */
  readonly seed?: string
  /** What to do with an error that leaves a thread, timer or callback; default: end the process with it. */
  readonly onCrash?: CrashHandler
  /** How long a closed connection may take to send what was written, in milliseconds; default 5000. */
  readonly lingerMs?: number
}

/** The real machine as a runtime: Node's event loop, TCP, files and clocks. Throws `DiskError` without its directory. */
export function createNodeRuntime(options: NodeRuntimeOptions): Runtime {
  const onCrash = options.onCrash ?? crashProcess
  return {
    name: options.name,
    clock: nodeClock,
    timers: new NodeTimers(onCrash),
    network: new NodeNetwork(options.lingerMs ?? DEFAULT_LINGER_MS, onCrash),
    disk: new NodeDisk(resolve(options.dataDirectory)),
    random: options.seed === undefined ? nodeRandom : new AleaRandom(options.seed),
    threads: new NodeThreads(onCrash),
  }
}
