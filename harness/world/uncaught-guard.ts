import { currentContext } from './context.ts'
import type { World } from './world.ts'

const EVENTS = ['unhandledRejection', 'uncaughtException'] as const
type Listener = (error: unknown) => void

const guarded = new Set<World>()
let others: (readonly [event: string, listeners: Listener[]])[] = []

/**
 * From now on, errors that nobody handles go to the world whose code they left, instead of ending the real process.
 * Other listeners are put aside while at least one world is guarded.
 *
 * @returns ends it
 */
export function guardUncaught(world: World): () => void {
  if (guarded.size === 0) {
    others = EVENTS.map(event => [event, process.listeners(event as 'uncaughtException') as Listener[]])
    for (const event of EVENTS) process.removeAllListeners(event).on(event, onUncaught)
  }
  guarded.add(world)
  return () => {
    if (!guarded.delete(world) || guarded.size > 0) return
    for (const [event, listeners] of others) {
      process.removeListener(event, onUncaught)
      for (const listener of listeners) process.on(event, listener)
    }
    others = []
  }
}

function onUncaught(error: unknown): void {
  const context = currentContext()
  const world = context?.world ?? [...guarded].at(-1)
  world?.uncaught(error, context?.process)
}
