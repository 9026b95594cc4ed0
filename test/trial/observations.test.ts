import { describe, expect, it } from 'vitest'
import { ObservationLog } from '../../harness/trial/observations.ts'
import { Probes } from '../../harness/trial/probes.ts'
import { World } from '../../harness/world/world.ts'

describe('what nodes do', () => {
  it("is a change of the coordinator when another broker leads a partition of the coordinators' topic", () => {
    const probes = new Probes()
    const log = new ObservationLog(new World({ seed: '1' }), 'records', 1, probes)
    const told: string[] = []
    log.tell = (node, text) => told.push(`broker-${node} ${text}`)
    const leads = (node: number, partition: number, isAlive = true): void => {
      const observer = log.replication({ node, incarnation: 1, alive: () => isAlive })
      observer.onBecameLeader?.({ topic: '__consumer_offsets', partition }, 1, 0, 0)
    }

    leads(1, 0)
    leads(2, 1)
    leads(1, 0)
    expect(probes.counts.get('coordinator-changed')).toBeUndefined()

    leads(3, 0, false)
    leads(2, 0)
    expect([...probes.counts]).toEqual([['coordinator-changed', 1]])
    expect(told).toEqual(['broker-2 coordinates in place of node 1: it leads __consumer_offsets-0'])
    expect(log.events).toEqual([])
  })
})
