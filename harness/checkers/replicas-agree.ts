import type { MetadataLogEvidence, ReplicaEvidence, StoredBatch } from './cluster-evidence.ts'
import type { Checker, Evidence, Violation } from './evidence.ts'

/** A node's copy of a log. */
interface Copy {
  readonly node: number
  readonly startOffset: number
  readonly endOffset: number
  readonly batches: readonly StoredBatch[]
}

/**
 * The same offset and epoch hold the same bytes in all copies of a log (`copies-differ`), of the topic and of the metadata; up
 * to the leader's high watermark all in-sync replicas hold the same (`in-sync-copies-differ`, `in-sync-copy-ends-early`), and
 * so do all metadata logs up to what their node took for committed (`metadata-logs-differ`); what the leader-epoch checkpoint
 * says of batches is what they say themselves (`epoch-cache-differs`, `epoch-cache-beyond-end`), but for what a leader that has
 * lost its tail may forget, see `forgottenBelow`.
 */
export const replicasAgree: Checker = evidence => {
  const { name, partitions } = evidence.scenario.cluster.topic
  const violations: Violation[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const copies = evidence.replicas.filter(replica => replica.partition === partition)
    const log = `${name}-${partition}`
    violations.push(...differingCopies(log, copies), ...differingInSync(evidence, log, partition, copies))
    for (const copy of copies) violations.push(...epochCache(log, copy, forgottenBelow(evidence, copy)))
  }
  const { metadataLogs } = evidence
  return [...violations, ...differingCopies('the metadata log', metadataLogs), ...differingMetadata(metadataLogs)]
}

function violation(kind: string, message: string): Violation {
  return { guarantee: 'replicas-agree', kind, message }
}

/** Whatever may have been replaced or is missing: an offset and the epoch in which it was written name one record. */
function differingCopies(log: string, copies: readonly Copy[]): Violation[] {
  const violations: Violation[] = []
  const first = new Map<string, { readonly node: number; readonly batch: StoredBatch }>()
  for (const { node, batches } of copies) {
    for (const batch of batches) {
      const key = `${batch.baseOffset}/${batch.epoch}`
      const other = first.get(key)
      if (other === undefined) first.set(key, { node, batch })
      else if (other.batch.crc !== batch.crc) {
        const what = `Offset ${batch.baseOffset} of ${log} holds different bytes on nodes ${other.node} and ${node}`
        violations.push(violation('copies-differ', `${what}, both of epoch ${batch.epoch}.`))
      }
    }
  }
  return violations
}

/** The first place below `end` in which two copies do not hold the same batch, as far as both begin before it. */
function firstDifference(a: Copy, b: Copy, end: number): number | undefined {
  const from = Math.max(a.startOffset, b.startOffset)
  const inA = a.batches.filter(batch => batch.lastOffset >= from && batch.baseOffset < end)
  const inB = b.batches.filter(batch => batch.lastOffset >= from && batch.baseOffset < end)
  for (let index = 0; index < Math.max(inA.length, inB.length); index++) {
    const one = inA[index]
    const other = inB[index]
    if (one?.baseOffset === other?.baseOffset && one?.crc === other?.crc) continue
    return Math.min(one?.baseOffset ?? end, other?.baseOffset ?? end)
  }
  return undefined
}

/** What a leader told to be committed, just before everything was shut down, is on all who were in sync with it. */
function differingInSync(
  { partitions, recovery }: Evidence,
  log: string,
  partition: number,
  copies: readonly ReplicaEvidence[],
): Violation[] {
  const { leader, isr = [] } = partitions.find(state => state.partition === partition) ?? {}
  const leading = copies.find(({ node }) => node === leader)
  if (!recovery.recovered || leading?.highWatermark === undefined) return []
  const { highWatermark } = leading
  const violations: Violation[] = []
  const among = `below the high watermark ${highWatermark} of its leader ${leader}`
  for (const copy of copies) {
    if (copy === leading || !isr.includes(copy.node)) continue
    if (copy.endOffset < highWatermark) {
      const what = `${log} ends at offset ${copy.endOffset} on node ${copy.node}, which is in sync`
      violations.push(violation('in-sync-copy-ends-early', `${what}, ${among}.`))
      continue
    }
    const offset = firstDifference(leading, copy, highWatermark)
    if (offset === undefined) continue
    violations.push(
      violation(
        'in-sync-copies-differ',
        `${log} holds something else at offset ${offset} on node ${copy.node}, which is in sync, ${among}.`,
      ),
    )
  }
  return violations
}

function differingMetadata(logs: readonly MetadataLogEvidence[]): Violation[] {
  const [longest] = [...logs].sort((a, b) => (b.highWatermark ?? 0) - (a.highWatermark ?? 0))
  if (longest === undefined) return []
  const violations: Violation[] = []
  for (const log of logs) {
    if (log === longest) continue
    const end = Math.min(log.highWatermark ?? 0, log.endOffset, longest.endOffset)
    const offset = firstDifference(longest, log, end)
    if (offset === undefined) continue
    const what = `Offset ${offset} of the metadata log was committed and is not the same on nodes ${longest.node} and ${log.node}`
    violations.push(violation('metadata-logs-differ', `${what}.`))
  }
  return violations
}

/**
 * Below which offset the checkpoint of a replica may not know where epochs have begun; 0: it knows all.
 *
 * A leader that comes back without the tail of its log still leads by the metadata it has, and Partition.makeLeader notes that
 * its epoch begins at the end which is left. It then follows with that epoch as its last, which the next leader has nothing
 * against, and gets a record of an earlier epoch for that very offset: LeaderEpochFileCache.assign drops whatever contradicts
 * this newer word, where that earlier epoch began included. So does Kafka 4.2.
 */
function forgottenBelow({ observed, damage }: Evidence, { node, partition }: ReplicaEvidence): number {
  const hit = damage.find(({ node: victim }) => victim === node)
  if (hit === undefined) return 0
  // What came after the last event that there was room for is not known.
  if (observed.dropped > 0) return Number.POSITIVE_INFINITY
  const ledFrom = new Map<number, number>()
  let below = 0
  for (const event of observed.events) {
    if (event.kind !== 'became-leader' || event.node !== node || event.partition !== partition) continue
    const { epoch, endOffset, ms } = event
    const before = ledFrom.get(epoch)
    if (before === undefined) ledFrom.set(epoch, endOffset)
    else if (endOffset < before && ms >= hit.ms) below = Math.max(below, endOffset)
  }
  return below
}

function epochCache(
  log: string,
  { node, batches, epochs, endOffset }: ReplicaEvidence,
  forgottenBelowOffset: number,
): Violation[] {
  const last = epochs.at(-1)
  if (last !== undefined && last.startOffset > endOffset) {
    const what = `The leader-epoch checkpoint of ${log} on node ${node} lets epoch ${last.epoch} begin at ${last.startOffset}`
    return [violation('epoch-cache-beyond-end', `${what}, beyond the log's end ${endOffset}.`)]
  }
  for (const { baseOffset, epoch, sound } of batches) {
    const entry = epochs.findLast(({ startOffset }) => startOffset <= baseOffset)
    if (!sound || entry?.epoch === epoch) continue
    if (baseOffset < forgottenBelowOffset && (entry?.epoch ?? -1) < epoch) continue
    const says = entry === undefined ? 'does not know it' : `says ${entry.epoch}`
    const what = `The batch at offset ${baseOffset} of ${log} on node ${node} is of epoch ${epoch}`
    return [violation('epoch-cache-differs', `${what}, but the leader-epoch checkpoint ${says}.`)]
  }
  return []
}
