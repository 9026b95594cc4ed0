import type { ObservedEvent, StoredBatch } from './cluster-evidence.ts'
import { atTime } from './describe.ts'
import type { Checker, Evidence, Violation } from './evidence.ts'

/**
 * A partition has one leader an epoch, and so has the metadata quorum (`two-leaders-in-an-epoch`), which is the one that the
 * metadata names (`leads-without-election`) or a majority voted for (`leads-without-majority`), each voter once an epoch
 * (`two-votes-in-an-epoch`) and never in one that is over (`vote-in-old-epoch`). Only the leader appends as such, and only as
 * long as it leads (`appends-without-leading`); whose process has ended may find itself leader in that epoch once more, before it
 * is registered again, but appends nothing (`appends-after-restart`). Epochs in a log never fall (`epochs-fall`), and each had a
 * leader (`epoch-without-leader`).
 */
export const oneLeaderPerEpoch: Checker = evidence => {
  const leaders = new Leaders()
  const quorum = new Quorum(evidence)
  for (const event of evidence.observed.events) {
    leaders.see(event)
    quorum.see(event)
  }
  return [
    ...leaders.violations,
    ...quorum.violations,
    ...unelected(evidence, leaders),
    ...storedEpochs(evidence, leaders),
  ]
}

type LeaderEvent = Extract<ObservedEvent, { readonly kind: 'became-leader' | 'quorum-leader' }>
type AppendEvent = Extract<ObservedEvent, { readonly baseOffset: number }>
type VoteEvent = Extract<ObservedEvent, { readonly kind: 'vote-granted' }>

function violation(kind: string, message: string): Violation {
  return { guarantee: 'one-leader-per-epoch', kind, message }
}

const QUORUM = 'the metadata quorum'

function partitionName(partition: number): string {
  return `partition ${partition}`
}

/** Who led what, when, and who appended. */
class Leaders {
  readonly violations: Violation[] = []
  /** By what is led and epoch. */
  readonly #first = new Map<string, LeaderEvent>()
  /** The epoch in which a node's replica leads now; absent while it does not. By what is led and node. */
  readonly #leading = new Map<string, number>()

  see(event: ObservedEvent): void {
    switch (event.kind) {
      case 'became-leader':
        this.#begin(partitionName(event.partition), event)
        this.#leading.set(`${event.partition}/${event.node}`, event.epoch)
        break
      case 'quorum-leader':
        this.#begin(QUORUM, event)
        break
      case 'became-follower':
      case 'deleted':
        this.#leading.delete(`${event.partition}/${event.node}`)
        break
      case 'leader-append': {
        this.#append(event)
        break
      }
      case 'stopped':
        for (const key of this.#leading.keys()) if (key.endsWith(`/${event.node}`)) this.#leading.delete(key)
        break
    }
  }

  #append({ ms, node, incarnation, partition, epoch, baseOffset }: AppendEvent): void {
    const what = `At ${atTime(ms)} node ${node} appended offset ${baseOffset} to partition ${partition} as its leader in epoch ${epoch}`
    const leading = this.#leading.get(`${partition}/${node}`)
    const first = this.#first.get(`${partitionName(partition)}, epoch ${epoch}`)
    if (leading !== epoch) {
      const role = leading === undefined ? 'it does not lead' : `it leads in epoch ${leading}`
      this.violations.push(violation('appends-without-leading', `${what}, but ${role}.`))
    } else if (first?.node === node && first.incarnation !== incarnation) {
      const message = `${what}, in which it led before its process ended.`
      this.violations.push(violation('appends-after-restart', message))
    }
  }

  /** Who was seen to begin to lead in an epoch. */
  leader(what: string, epoch: number): number | undefined {
    return this.#first.get(`${what}, epoch ${epoch}`)?.node
  }

  /** All that was seen of partitions' leaders. */
  *ofPartitions(): Iterable<Extract<LeaderEvent, { readonly kind: 'became-leader' }>> {
    for (const event of this.#first.values()) if (event.kind === 'became-leader') yield event
  }

  #begin(what: string, event: LeaderEvent): void {
    const { ms, node, epoch } = event
    const key = `${what}, epoch ${epoch}`
    const first = this.#first.get(key)
    if (first === undefined) {
      this.#first.set(key, event)
    } else if (first.node !== node) {
      const message = `At ${atTime(ms)} node ${node} became the leader of ${key}, in which node ${first.node} was.`
      this.violations.push(violation('two-leaders-in-an-epoch', message))
    }
  }
}

/** Who voted for whom. */
class Quorum {
  readonly violations: Violation[] = []
  readonly #voters: ReadonlySet<number>
  /** By node. */
  readonly #lastVotes = new Map<number, VoteEvent>()
  /** By epoch and candidate. */
  readonly #votes = new Map<string, Set<number>>()

  constructor({ metadataLogs }: Evidence) {
    this.#voters = new Set(metadataLogs.filter(({ voter }) => voter).map(({ node }) => node))
  }

  see(event: ObservedEvent): void {
    if (event.kind === 'vote-granted') this.#vote(event)
    else if (event.kind === 'quorum-leader') this.#lead(event)
  }

  #vote(event: VoteEvent): void {
    const { ms, node, epoch, candidate } = event
    const last = this.#lastVotes.get(node)
    const what = `At ${atTime(ms)} node ${node} voted for ${candidate} in epoch ${epoch} of ${QUORUM}`
    if (last !== undefined && last.epoch === epoch && last.candidate !== candidate) {
      const message = `${what}, and had voted for ${last.candidate} in it at ${atTime(last.ms)}.`
      this.violations.push(violation('two-votes-in-an-epoch', message))
    } else if (last !== undefined && last.epoch > epoch) {
      this.violations.push(violation('vote-in-old-epoch', `${what}, but before in epoch ${last.epoch}.`))
    }
    this.#lastVotes.set(node, event)
    const key = `${epoch}/${candidate}`
    this.#votes.set(key, (this.#votes.get(key) ?? new Set()).add(node))
  }

  #lead({ ms, node, epoch }: Extract<LeaderEvent, { readonly kind: 'quorum-leader' }>): void {
    const voters = this.#voters.size
    const votes = [...(this.#votes.get(`${epoch}/${node}`) ?? [])].filter(voter => this.#voters.has(voter))
    // A single voter has nobody to ask.
    if (voters < 2 || votes.length * 2 > voters) return
    const message = `At ${atTime(ms)} node ${node} began to lead ${QUORUM} in epoch ${epoch} with the votes of ${votes.length} of ${voters} voters.`
    this.violations.push(violation('leads-without-majority', message))
  }
}

/** Leaders that the committed metadata does not name. */
function unelected({ partitionHistory }: Evidence, leaders: Leaders): Violation[] {
  if (partitionHistory.length === 0) return []
  const elected = new Map(partitionHistory.map(change => [`${change.partition}/${change.leaderEpoch}`, change.leader]))
  const violations: Violation[] = []
  for (const { ms, node, partition, epoch } of leaders.ofPartitions()) {
    const leader = elected.get(`${partition}/${epoch}`)
    if (leader === node) continue
    const who = leader === undefined ? 'there is no such epoch' : `the leader is ${leader}`
    const what = `At ${atTime(ms)} node ${node} became the leader of partition ${partition} in epoch ${epoch}`
    violations.push(violation('leads-without-election', `${what}, but in the metadata ${who}.`))
  }
  return violations
}

function storedEpochs({ replicas, metadataLogs, observed }: Evidence, leaders: Leaders): Violation[] {
  const seesAll = observed.dropped === 0 && observed.events.length > 0
  const copies = [
    ...replicas.map(({ node, partition, batches }) => ({ node, what: partitionName(partition), batches })),
    ...metadataLogs.map(({ node, batches }) => ({ node, what: QUORUM, batches })),
  ]
  return copies.flatMap(({ node, what, batches }) => {
    const where = `in the log of ${what} on node ${node}`
    const violations: Violation[] = []
    let before: StoredBatch | undefined
    for (const batch of batches) {
      if (!batch.sound) continue
      const { epoch, baseOffset } = batch
      if (before !== undefined && epoch < before.epoch) {
        const message = `The batch at offset ${baseOffset} ${where} is of epoch ${epoch}, the one before of ${before.epoch}.`
        violations.push(violation('epochs-fall', message))
      } else if (seesAll && epoch !== before?.epoch && leaders.leader(what, epoch) === undefined) {
        const message = `The batch at offset ${baseOffset} ${where} is of epoch ${epoch}, in which nobody led.`
        violations.push(violation('epoch-without-leader', message))
      }
      before = batch
    }
    return violations
  })
}
