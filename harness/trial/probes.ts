/** Named interesting states that some trial must reach. The names are part of the interface: triggers refer to them. */
export const PROBE_NAMES = [
  'acceptor-backlog-full',
  'broker-halted',
  'broker-unclean-restart',
  'connection-refused',
  'controller-changed',
  'elr-used',
  'follower-truncated',
  'group-rebalanced',
  'handler-failed',
  'follower-truncating',
  'hw-lagging',
  'isr-below-minimum',
  'isr-expanded',
  'isr-of-one',
  'isr-shrunk',
  'killed-with-requests-in-hand',
  'leader-changed',
  'metadata-truncated',
  'not-enough-replicas',
  'produce-answer-lost',
  'produce-handled',
  'record-reprocessed',
  'request-queue-full',
  'send-acknowledged',
  'send-failed',
  'send-indeterminate',
  'unclean-election',
] as const
export type ProbeName = (typeof PROBE_NAMES)[number]

/** Those that only a scenario with consumer groups can reach. */
export const GROUP_PROBE_NAMES = ['group-rebalanced', 'handler-failed', 'record-reprocessed'] as const

/** Counts probes and tells who waits for one. */
export class Probes {
  readonly counts = new Map<ProbeName, number>()
  readonly #waiting = new Map<string, (() => void)[]>()

  hit(name: ProbeName): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
    for (const callback of this.#waiting.get(name) ?? []) callback()
    this.#waiting.delete(name)
  }

  /** Calls back when the probe is hit for the first time, or at once when it has been. */
  onFirst(name: string, callback: () => void): void {
    if ((this.counts as ReadonlyMap<string, number>).has(name)) {
      callback()
      return
    }
    const callbacks = this.#waiting.get(name) ?? []
    callbacks.push(callback)
    this.#waiting.set(name, callbacks)
  }
}
