import { crc32 } from 'node:zlib'
import { type RecordId, recordValue, type SendOperation } from '../history/history.ts'
import type { AppendWorkload } from '../trial/scenario.ts'
import type { DiskDamage } from './cluster-evidence.ts'
import { atTime } from './describe.ts'
import type { Checker, Evidence, Violation } from './evidence.ts'

/**
 * Nothing is in the log that should not be: a record nobody sent (`unknown-record`), one whose send certainly failed
 * (`failed-record-appears`), one in a partition it was not sent to (`record-in-wrong-partition`; of records that were sent by key
 * `one-partition-per-key` tells), one whose value is
 * not the one sent (`altered-record`); nor bytes that nobody wrote, on a disk that gives back what was written to it: whatever
 * lies on other disks, a replica copies no batch whose checksum is wrong (`damaged-batch-copied`). A send with an open outcome
 * may or may not be there.
 */
export const noPhantoms: Checker = evidence => {
  const { history, logs, scenario } = evidence
  const sends = new Map<RecordId, SendOperation>()
  for (const send of history.sends) for (const id of send.records) sends.set(id, send)
  const sizes = new ValueSizes(scenario.workload)
  const violations: Violation[] = []
  for (const { partition, records } of logs) {
    for (const { id, offset, valueCrc } of records) {
      const wrong = judge(sends.get(id), id, partition, valueCrc, sizes)
      if (wrong === undefined) continue
      const [kind, why] = wrong
      violations.push({
        guarantee: 'no-phantoms',
        kind,
        message: `Record ${id} stands at offset ${offset} of partition ${partition}, but ${why}.`,
      })
    }
  }
  return [...violations, ...damagedCopies(evidence)]
}

/** An emptied disk holds nothing else than is written to it afterwards. */
const SOUND_DAMAGE: ReadonlySet<DiskDamage['kind']> = new Set(['wipe-disk'])

function damagedCopies({ replicas, damage }: Evidence): Violation[] {
  const rotten = new Set(damage.filter(({ kind }) => !SOUND_DAMAGE.has(kind)).map(({ node }) => node))
  return replicas.flatMap(({ node, partition, batches }): Violation[] => {
    const damaged = rotten.has(node) ? undefined : batches.find(({ sound }) => !sound)
    if (damaged === undefined) return []
    const what = `The batch at offset ${damaged.baseOffset} of partition ${partition} on node ${node} has a wrong checksum`
    const message = `${what}, and the node's disk gives back what was written to it.`
    return [{ guarantee: 'no-phantoms', kind: 'damaged-batch-copied', message }]
  })
}

function judge(
  send: SendOperation | undefined,
  id: RecordId,
  partition: number,
  valueCrc: number,
  sizes: ValueSizes,
): [kind: string, why: string] | undefined {
  if (send === undefined) return ['unknown-record', 'no producer ever sent it']
  const { outcome, producer } = send
  if (outcome.kind === 'failed') {
    const error = outcome.error.type ?? outcome.error.name
    return [
      'failed-record-appears',
      `producer ${producer} was told at ${atTime(outcome.atMs)} that it failed (${error})`,
    ]
  }
  if (send.key === undefined && send.partition !== partition) {
    return ['record-in-wrong-partition', `producer ${producer} sent it to partition ${send.partition}`]
  }
  const expected = crc32(recordValue(id, sizes.of(send)))
  if (valueCrc === expected) return undefined
  return [
    'altered-record',
    `the CRC-32 of its value is ${hex(valueCrc)} and that of the value sent is ${hex(expected)}`,
  ]
}

function hex(crc: number): string {
  return (crc >>> 0).toString(16).padStart(8, '0')
}

/** How large a send's values were. The workload makes the sends of a producer in the order of their times. */
class ValueSizes {
  readonly #bytes: readonly (readonly number[])[]

  constructor({ producers }: AppendWorkload) {
    this.#bytes = producers.map(({ sends }) => [...sends].sort((a, b) => a.atMs - b.atMs).map(({ bytes }) => bytes))
  }

  of(send: SendOperation): number {
    return send.bytes ?? this.#bytes[send.producer]?.[send.send] ?? 0
  }
}
