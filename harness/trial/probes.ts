/** Named interesting states that some trial must reach. The names are part of the interface: triggers refer to them. */
export const PROBE_NAMES = [
  'acceptor-backlog-full',
  'admin-acknowledged',
  'admin-indeterminate',
  'admin-refused',
  'broker-halted',
  'broker-unclean-restart',
  'connection-refused',
  'controller-changed',
  'coordinator-changed',
  'elr-used',
  'follower-truncated',
  'group-rebalanced',
  'group-redeployed',
  'handler-failed',
  'follower-truncating',
  'hw-lagging',
  'isr-below-minimum',
  'isr-expanded',
  'isr-expanding',
  'isr-of-one',
  'isr-shrinking',
  'isr-shrunk',
  'killed-with-requests-in-hand',
  'leader-appended',
  'leader-changed',
  'member-redeployed',
  'metadata-truncated',
  'not-enough-replicas',
  'produce-answer-lost',
  'produce-handled',
  'producer-buffer-full',
  'record-reprocessed',
  'request-queue-full',
  'send-acknowledged',
  'send-failed',
  'send-indeterminate',
  'unclean-election',
  'vote-granted',
] as const
export type ProbeName = (typeof PROBE_NAMES)[number]

/** Those that only a scenario with consumer groups can reach. */
export const GROUP_PROBE_NAMES = [
  'coordinator-changed',
  'group-rebalanced',
  'group-redeployed',
  'handler-failed',
  'member-redeployed',
  'record-reprocessed',
] as const

/** Those that only a scenario with administration can reach. */
export const CHURN_PROBE_NAMES = ['admin-acknowledged', 'admin-indeterminate', 'admin-refused'] as const

/** Those that only producers with a bounded buffer can reach: java-semantics. */
export const BOUNDED_BUFFER_PROBE_NAMES = ['producer-buffer-full'] as const

/** Counts probes and tells who waits for one. */
export class Probes {
  readonly counts = new Map<ProbeName, number>()
  #waiting: { readonly name: string; readonly nth: number; readonly callback: () => void }[] = []

  hit(name: ProbeName): void {
    const count = (this.counts.get(name) ?? 0) + 1
    this.counts.set(name, count)
    const due = this.#waiting.filter(waiting => waiting.name === name && waiting.nth <= count)
    if (due.length === 0) return
    this.#waiting = this.#waiting.filter(waiting => !due.includes(waiting))
    for (const { callback } of due) callback()
  }

  /** Calls back when the probe is hit for the nth time, or at once when it has been. */
  onNth(name: string, nth: number, callback: () => void): void {
    const count = (this.counts as ReadonlyMap<string, number>).get(name) ?? 0
    if (count >= nth) callback()
    else this.#waiting.push({ name, nth, callback })
  }
}
