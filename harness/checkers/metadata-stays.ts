import type { MetadataLogEvidence, ObservedEvent } from './cluster-evidence.ts'
import { atTime } from './describe.ts'
import type { Checker, Evidence, Violation } from './evidence.ts'

/**
 * Committed metadata stays: no node cuts its metadata log below its high watermark (`metadata-cut-below-high-watermark`), or cuts
 * off a record that is committed by then (`committed-metadata-cut`); its high watermark
 * never falls as long as its process lives (`metadata-high-watermark-falls`); a leader takes nothing for committed before a record
 * of its own epoch is (`metadata-committed-too-soon`); who begins to lead the quorum has all that is
 * committed (`quorum-leader-lacks-committed`); at the end most voters hold it (`committed-metadata-missing`), and nothing below
 * a leader's high watermark is of a later epoch (`committed-metadata-replaced`). Nodes that have replayed the same know the same
 * (`images-differ`).
 */
export const metadataStays: Checker = evidence => {
  const committed = new CommittedMetadata(evidence.metadataLogs)
  for (const event of evidence.observed.events) committed.see(event)
  return [...committed.violations, ...atEnd(evidence, committed), ...images(evidence)]
}

function violation(kind: string, message: string): Violation {
  return { guarantee: 'metadata-stays', kind, message }
}

type LeaderEvent = Extract<ObservedEvent, { readonly kind: 'quorum-leader' }>
type CutEvent = Extract<ObservedEvent, { readonly kind: 'quorum-truncated' }>

/** In which epoch the record was written that is committed at `offset` in the end; undefined when no log reaches back to it. */
function committedEpochAt(logs: readonly MetadataLogEvidence[], offset: number): number | undefined {
  for (const { batches, highWatermark = 0 } of logs) {
    if (highWatermark <= offset) continue
    const batch = batches.find(({ baseOffset, lastOffset }) => baseOffset <= offset && offset <= lastOffset)
    if (batch?.sound === true) return batch.epoch
  }
  return undefined
}

/** What was seen to be committed. */
class CommittedMetadata {
  readonly violations: Violation[] = []
  /** The highest that any node took for committed. */
  highWatermark = 0
  /** The highest that the leader of an epoch took for committed, by epoch. */
  readonly byEpoch = new Map<number, number>()
  /** By node, of its present process. */
  readonly #highWatermarks = new Map<number, number>()
  /** The epoch in which a node leads, or led last. */
  readonly #leading = new Map<number, LeaderEvent>()
  readonly #logs: readonly MetadataLogEvidence[]

  /** @param logs as they are in the end */
  constructor(logs: readonly MetadataLogEvidence[]) {
    this.#logs = logs
  }

  see(event: ObservedEvent): void {
    switch (event.kind) {
      case 'started':
        this.#highWatermarks.delete(event.node)
        break
      case 'quorum-leader':
        this.#judgeLeader(event)
        this.#leading.set(event.node, event)
        break
      case 'quorum-high-watermark':
        this.#raise(event)
        break
      case 'quorum-truncated':
        this.#judgeCut(event)
        break
    }
  }

  #judgeCut({ ms, node, toOffset, highWatermark, epoch }: CutEvent): void {
    const what = `At ${atTime(ms)} node ${node} cut its metadata log to offset ${toOffset}`
    if (highWatermark !== undefined && toOffset < highWatermark) {
      const message = `${what}, below its high watermark ${highWatermark}.`
      this.violations.push(violation('metadata-cut-below-high-watermark', message))
    } else if (toOffset < this.highWatermark && committedEpochAt(this.#logs, toOffset) === epoch) {
      const message = `${what}, where it held the record of epoch ${epoch}, and everything below ${this.highWatermark} was committed.`
      this.violations.push(violation('committed-metadata-cut', message))
    }
  }

  #judgeLeader({ ms, node, epoch, endOffset }: LeaderEvent): void {
    if (endOffset >= this.highWatermark) return
    const what = `At ${atTime(ms)} node ${node} began to lead the metadata quorum in epoch ${epoch} with a log that ends at ${endOffset}`
    const message = `${what}, but everything below ${this.highWatermark} was committed.`
    this.violations.push(violation('quorum-leader-lacks-committed', message))
  }

  #raise(event: Extract<ObservedEvent, { readonly kind: 'quorum-high-watermark' }>): void {
    const { ms, node, highWatermark, isLeader } = event
    const before = this.#highWatermarks.get(node)
    if (before !== undefined && highWatermark < before) {
      const message = `At ${atTime(ms)} the high watermark of the metadata on node ${node} fell from ${before} to ${highWatermark}.`
      this.violations.push(violation('metadata-high-watermark-falls', message))
    }
    this.#highWatermarks.set(node, highWatermark)
    this.highWatermark = Math.max(this.highWatermark, highWatermark)
    const leading = this.#leading.get(node)
    if (!isLeader || leading === undefined) return
    const { epoch, endOffset } = leading
    this.byEpoch.set(epoch, Math.max(this.byEpoch.get(epoch) ?? 0, highWatermark))
    if (highWatermark > endOffset) return
    const what = `At ${atTime(ms)} node ${node} took the metadata below ${highWatermark} for committed, leading in epoch ${epoch}`
    const message = `${what}, which begins at offset ${endOffset}.`
    this.violations.push(violation('metadata-committed-too-soon', message))
  }
}

function atEnd({ metadataLogs }: Evidence, { highWatermark, byEpoch }: CommittedMetadata): Violation[] {
  const voters = metadataLogs.filter(({ voter }) => voter)
  const holders = voters.filter(({ endOffset }) => endOffset >= highWatermark)
  const violations = metadataLogs.flatMap(log => replaced(log, byEpoch))
  if (voters.length > 0 && holders.length * 2 <= voters.length) {
    const who = holders.map(({ node }) => node).join(', ')
    const what = `Metadata was committed up to offset ${highWatermark}, which at the end only ${holders.length} of ${voters.length} voters have`
    violations.push(violation('committed-metadata-missing', `${what}${who === '' ? '' : ` (${who})`}.`))
  }
  return violations
}

/** A leader's log below its high watermark is committed: no later leader may have written there. */
function replaced({ node, batches }: MetadataLogEvidence, byEpoch: ReadonlyMap<number, number>): Violation[] {
  for (const { baseOffset, epoch } of batches) {
    for (const [earlier, highWatermark] of byEpoch) {
      if (earlier >= epoch || baseOffset >= highWatermark) continue
      const what = `Offset ${baseOffset} of the metadata log was committed in epoch ${earlier} or before`
      return [violation('committed-metadata-replaced', `${what}, but on node ${node} it is of epoch ${epoch}.`)]
    }
  }
  return []
}

function images({ metadataLogs }: Evidence): Violation[] {
  const first = new Map<number, { readonly node: number; readonly text: string }>()
  const violations: Violation[] = []
  for (const { node, image } of metadataLogs) {
    if (image === undefined) continue
    const other = first.get(image.offset)
    if (other === undefined) first.set(image.offset, { node, text: image.text })
    else if (other.text !== image.text) {
      const at = firstDifference(other.text, image.text)
      const what = `Nodes ${other.node} and ${node} have replayed the metadata up to offset ${image.offset} and know different things`
      const parts = `${other.text.slice(at, at + 80)} and ${image.text.slice(at, at + 80)}`
      violations.push(violation('images-differ', `${what}: ${parts}.`))
    }
  }
  return violations
}

/** Where two texts part, a little before it. */
function firstDifference(a: string, b: string): number {
  let index = 0
  while (index < a.length && a[index] === b[index]) index++
  return Math.max(0, index - 40)
}
