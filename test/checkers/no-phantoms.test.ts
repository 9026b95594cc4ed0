import { describe, expect, it } from 'vitest'
import type { DiskDamage } from '../../harness/checkers/cluster-evidence.ts'
import { noPhantoms } from '../../harness/checkers/no-phantoms.ts'
import { History } from '../../harness/history/history.ts'
import { batch, clusterOf, replica } from './cluster-support.ts'
import { failed, healthy, indeterminate, invoke, kinds, log, ok } from './support.ts'

describe('no-phantoms', () => {
  it('is content when the log holds what was sent', () => {
    expect(noPhantoms(healthy())).toEqual([])
  })

  it('finds a record that nobody sent', () => {
    const violations = noPhantoms(healthy({ logs: [log(['p7-s0-r0'])] }))

    expect(violations).toEqual([
      {
        guarantee: 'no-phantoms',
        kind: 'unknown-record',
        message: 'Record p7-s0-r0 stands at offset 0 of partition 0, but no producer ever sent it.',
      },
    ])
  })

  it('finds a record whose send certainly failed', () => {
    const history = new History()
    invoke(history, { send: 0 }, failed('MESSAGE_TOO_LARGE'))

    const violations = noPhantoms(healthy({ history, logs: [log(['p0-s0-r0'])] }))

    expect(kinds(violations)).toEqual(['failed-record-appears'])
    expect(violations[0]?.message).toContain('was told at 50 ms that it failed (MESSAGE_TOO_LARGE)')
  })

  it('allows records of sends that are indeterminate or open', () => {
    const history = new History()
    invoke(history, { send: 0 }, indeterminate())
    invoke(history, { send: 1 })

    expect(noPhantoms(healthy({ history, logs: [log(['p0-s0-r0', 'p0-s1-r0'])] }))).toEqual([])
  })

  it('finds a record in another partition than it was sent to', () => {
    const history = new History()
    invoke(history, { send: 0, partition: 1 }, ok())

    expect(kinds(noPhantoms(healthy({ history, logs: [log(['p0-s0-r0'])] })))).toEqual(['record-in-wrong-partition'])
  })

  it('finds a record whose bytes are not the ones sent', () => {
    const history = new History()
    invoke(history, { send: 0 }, ok())

    expect(kinds(noPhantoms(healthy({ history, logs: [log(['p0-s0-r0'], { bytes: 21 })] })))).toEqual([
      'altered-record',
    ])
  })

  it('knows the size of a value when the sends of the scenario are not in the order of their times', () => {
    const evidence = healthy()
    const [producer] = evidence.scenario.workload.producers
    if (producer === undefined) throw new Error('no producer')
    const sends = [
      { atMs: 10, partition: 0, records: 1, bytes: 300 },
      { atMs: 0, partition: 0, records: 1, bytes: 20 },
    ]
    const workload = { kind: 'append' as const, producers: [{ ...producer, sends }] }
    const history = new History()
    invoke(history, { send: 0 }, ok())

    const logs = [log(['p0-s0-r0'], { bytes: 20 })]
    expect(noPhantoms({ ...evidence, history, logs, scenario: { ...evidence.scenario, workload } })).toEqual([])
  })

  it('finds a damaged batch on a disk that nothing has damaged, or that was only emptied', () => {
    const rotten = { ...batch(1, 0), sound: false }
    const copied = (damage: readonly DiskDamage[]) =>
      kinds(noPhantoms(clusterOf({ damage, replicas: [replica(2, [0], { batches: [batch(0, 0), rotten] })] })))

    expect(copied([{ ms: 5, node: 1, kind: 'bit-rot' }])).toEqual(['damaged-batch-copied'])
    expect(copied([{ ms: 5, node: 2, kind: 'wipe-disk' }])).toEqual(['damaged-batch-copied'])
    expect(copied([{ ms: 5, node: 2, kind: 'bit-rot' }])).toEqual([])
  })
})
