/**
 * How the world runs the promise callbacks that an event has caused. This file is the world's one door to the real
 * event loop; it holds the real functions from before anything replaces them.
 */
const realSetImmediate = setImmediate
const realNow = performance.now.bind(performance)
const tickCallback = (process as unknown as { _tickCallback?: () => void })._tickCallback

/**
 * `tick`: drain ticks and microtasks synchronously after every event, the whole trial in one macrotask (≈ 0.1 µs an
 * event; uses `process._tickCallback`, DEP0134). `immediate`: one real `setImmediate` an event (≈ 1 µs), portable.
 * Both give the same digest.
 */
export const DRAIN_NAMES = ['tick', 'immediate'] as const
export type DrainName = (typeof DRAIN_NAMES)[number]

/** The quick drain where this Node has it, else the portable one. */
export const DEFAULT_DRAIN: DrainName = typeof tickCallback === 'function' ? 'tick' : 'immediate'

/** Calls `body` in a macrotask of its own: a trial never starts inside a microtask. */
export function inMacrotask(body: () => void): void {
  scheduling = true
  realSetImmediate(body)
  scheduling = false
}

let scheduling = false

/** Whether the immediate that is being made now is the world's own. */
export function schedulesMacrotask(): boolean {
  return scheduling
}

/** Runs every pending tick and microtask now. Only from a macrotask. */
export function drainTicks(): void {
  tickCallback?.call(process)
}

/** Real milliseconds, for telling how long a trial took; never visible inside it. */
export function realMilliseconds(): number {
  return realNow()
}
