import { createHook, type HookCallbacks } from 'node:async_hooks'
import { currentContext } from '../world/context.ts'
import { schedulesMacrotask } from '../world/drain.ts'
import { WorldError } from '../world/errors.ts'
import type { World } from '../world/world.ts'

/** Kinds of asynchronous resources whose end only the real machine brings about. */
const REAL = new Set([
  'Timeout',
  'Immediate',
  'FSREQCALLBACK',
  'FSREQPROMISE',
  'FILEHANDLE',
  'FILEHANDLECLOSEREQ',
  'FSEVENTWRAP',
  'STATWATCHER',
  'DIRHANDLE',
  'GETADDRINFOREQWRAP',
  'GETNAMEINFOREQWRAP',
  'QUERYWRAP',
  'ZLIB',
  'RANDOMBYTESREQUEST',
  'RANDOMPRIMEREQUEST',
  'CHECKPRIMEREQUEST',
  'PBKDF2REQUEST',
  'SCRYPTREQUEST',
  'HASHREQUEST',
  'CIPHERREQUEST',
  'DERIVEBITSREQUEST',
  'KEYGENREQUEST',
  'KEYPAIRGENREQUEST',
  'KEYEXPORTREQUEST',
  'TCPWRAP',
  'TCPSERVERWRAP',
  'TCPCONNECTWRAP',
  'TLSWRAP',
  'PIPEWRAP',
  'PIPESERVERWRAP',
  'PIPECONNECTWRAP',
  'UDPWRAP',
  'UDPSENDWRAP',
  'PROCESSWRAP',
  'SIGNALWRAP',
  'WORKER',
  'MESSAGEPORT',
])

const STACK_DEPTH = 50
const NODE_FRAME = /\((node:[^)]*)\)$|at (node:\S+)$/
/** The synchronous twin of a thread-pool function makes the same resource, but waits for it. */
const SYNCHRONOUS = /at (?:\S+ )*\S*(?:Sync|syncBufferWrapper)\b.*\(node:/
/** Output of `console` goes to a person, not back into the world; some test runners gather it with timers. */
const CONSOLE = /\(node:internal\/console/

/** Spares the hook a call for every promise where this Node knows the option. */
type Hooks = HookCallbacks & { readonly trackPromises?: boolean }

/**
 * Watches for what would make a trial depend on the real machine: from now on, a real asynchronous operation (file,
 * name look-up, thread pool, socket, process, timer …) that is started by code of this world fails it with
 * `WorldError` `ESCAPE`, which names the function and the line that called it. Costs time, so it is not always on.
 * WebAssembly compilation, dynamic `import()` and `crypto.sign` or `verify` with a callback are not seen.
 *
 * @returns stops watching
 */
export function watchEscapes(world: World): () => void {
  const hooks: Hooks = {
    trackPromises: false,
    init(_asyncId, type) {
      if (!REAL.has(type) || schedulesMacrotask()) return
      const context = currentContext()
      if (context?.world !== world || !world.running) return
      const frames = framesNow()
      if (frames.some(frame => SYNCHRONOUS.test(frame) || CONSOLE.test(frame))) return
      const { api, caller } = describeCall(frames, type)
      const where = context.process === undefined ? 'the main program' : context.process.name
      const message = `${where} started a real asynchronous operation: ${api} (${type}), called ${caller}`
      world.fail(new WorldError('ESCAPE', world.nowMs, message))
    },
  }
  const hook = createHook(hooks)
  hook.enable()
  return () => {
    hook.disable()
  }
}

function framesNow(): string[] {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = STACK_DEPTH
  const lines = (new Error('here').stack ?? '').split('\n')
  Error.stackTraceLimit = limit
  return lines.slice(3).map(line => line.trim()) // not the message, this function and the hook
}

/** The function of Node that was called from outside Node, and from where. */
function describeCall(frames: readonly string[], type: string): { readonly api: string; readonly caller: string } {
  const outside = frames.findIndex(frame => !NODE_FRAME.test(frame))
  const caller = frames[outside] ?? 'from nowhere known'
  const inside = frames[(outside < 0 ? frames.length : outside) - 1]
  const location = inside === undefined ? undefined : NODE_FRAME.exec(inside)
  if (inside === undefined || location === undefined || location === null || inside.includes('emitInit')) {
    return { api: type, caller }
  }
  const module = (location[1] ?? location[2] ?? '').replace(/:\d+:\d+$/, '').replace('internal/', '')
  const name = inside
    .replace(/^at /, '')
    .replace(/ \(.*$/, '')
    .replace(/^Object\./, '')
    .replace(/^.* \[as (.*)\]$/, '$1')
  return { api: `${name} of ${module}`, caller }
}
