import { syncBuiltinESMExports } from 'node:module'
import { installDns } from './dns.ts'
import { installHttp } from './http.ts'
import { installNet } from './net.ts'
import { installNextTick } from './next-tick.ts'
import { installRandomness } from './randomness.ts'
import { installTime } from './time.ts'
import { installTimers } from './timers.ts'
import { installZlib } from './zlib.ts'

const INSTALLED = Symbol.for('kafka-trial.unmodified')

/**
 * Makes third-party Node code live in the world: time, timers, randomness, name look-up, sockets and thread-pool
 * functions go to the simulated host while the calling code belongs to one, and to the real host otherwise.
 *
 * Call it once, before client libraries are loaded (some capture functions when they load). Afterwards everything is
 * inert outside a trial. Idempotent in a process, even when this module is loaded twice.
 */
export function installUnmodified(): void {
  const registry = globalThis as unknown as Record<symbol, boolean | undefined>
  if (registry[INSTALLED]) return
  registry[INSTALLED] = true
  installTimers()
  installTime()
  installRandomness()
  installZlib()
  installDns()
  installNet()
  installHttp()
  installNextTick()
  // Re-publishes patched CommonJS exports to `import { x } from 'node:…'` bindings, also those already linked.
  syncBuiltinESMExports()
}
