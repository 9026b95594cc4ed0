import { DATA_DIRECTORY } from '../trial/node-layout.ts'
import type { SimulatedDisk } from '../world/disk.ts'
import { type AmountRange, amountOf, type FaultKind } from './fault-kind.ts'
import { Overlaps } from './overlaps.ts'

const DISK_FACTOR: AmountRange = { unit: 'times slower', low: 10, high: 5000 }
const POSITION: AmountRange = { unit: 'the bit that flips, modulo', low: 0, high: 1_000_000 }
const BITS_OF_A_BYTE = 8

const slowDisks = new Overlaps<SimulatedDisk, number>()
const fullDisks = new Overlaps<SimulatedDisk>()
const failingDisks = new Overlaps<SimulatedDisk>()

export const slowDisk: FaultKind = {
  name: 'slow-disk',
  summary: "the node's disk is slower by a factor; operations begun before the end keep their pace",
  amount: DISK_FACTOR,
  longestMs: 8000,
  inject({ node, hit, tell }, fault) {
    if (node === undefined) return undefined
    const { disk } = node.host
    const factor = amountOf(fault, DISK_FACTOR)
    hit(`makes the disk of ${node.name} ${factor} times slower`)
    const end = slowDisks.begin(disk, factor, active => {
      disk.slowness = Math.max(1, ...active)
    })
    return () => {
      tell(`the disk of ${node.name} has its normal speed again`)
      end()
    }
  },
}

export const fullDisk: FaultKind = {
  name: 'full-disk',
  summary: "the node's disk is full: writes fail, the node halts as Kafka does, and is started again with room",
  longestMs: 5000,
  inject({ node, hit, tell }) {
    if (node === undefined) return undefined
    const { disk } = node.host
    hit(`fills the disk of ${node.name}`)
    const end = fullDisks.begin(disk, true, active => {
      disk.full = active.length > 0
    })
    return () => {
      tell(`makes room on the disk of ${node.name}`)
      end()
      node.start()
    }
  },
}

/** Breaks a promise that Kafka builds on: what a failed sync did not write is gone with the next power loss. */
export const fsyncError: FaultKind = {
  name: 'fsync-error',
  summary:
    'every sync of a file fails and what it should have written is lost at the next power loss; the node halts as Kafka does',
  longestMs: 5000,
  inject({ cluster, node, hit, tell }) {
    if (node === undefined) return undefined
    const { disk } = node.host
    hit(`lets every sync of ${node.name}'s disk fail`)
    cluster.observations.hurt({ node: node.id, kind: 'fsync-error' })
    const end = failingDisks.begin(disk, true, active => {
      disk.failsSyncs = active.length > 0
    })
    return () => {
      tell(`the disk of ${node.name} syncs again`)
      end()
      node.start()
    }
  },
}

/** Breaks a promise that Kafka builds on: it finds the damage by checksums and has no second copy on the same node. */
export const bitRot: FaultKind = {
  name: 'bit-rot',
  summary: "a bit flips in the older half of one of the topic's log files on the node's disk",
  amount: POSITION,
  longestMs: 0,
  inject({ cluster, node, hit }, fault) {
    if (node === undefined) return undefined
    const { disk } = node.host
    const logs = disk.filesIn(DATA_DIRECTORY).filter(path => path.includes(`/${cluster.spec.topic.name}-`))
    const files = logs.filter(path => path.endsWith('.log') && (disk.contents(path)?.length ?? 0) > 1)
    const file = files[(fault.pick ?? 0) % Math.max(1, files.length)]
    if (file === undefined) return undefined
    const older = Math.floor((disk.contents(file)?.length ?? 0) / 2)
    const bit = amountOf(fault, POSITION) % (older * BITS_OF_A_BYTE)
    disk.rot(file, Math.floor(bit / BITS_OF_A_BYTE), bit % BITS_OF_A_BYTE)
    hit(`flips a bit in byte ${Math.floor(bit / BITS_OF_A_BYTE)} of ${file} of ${node.name}`)
    cluster.observations.hurt({ node: node.id, kind: 'bit-rot', file })
    return undefined
  },
}

/** As losing a copy uncleanly: all that the broker had not yet in common with others is gone. */
export const wipeDisk: FaultKind = {
  name: 'wipe-disk',
  summary: 'a broker dies and its disk of topic data is replaced by an empty one; it is started again afterwards',
  longestMs: 5000,
  inject({ node, hit, tell }) {
    if (!node?.isBroker) return undefined
    const release = node.takeDown('kill')
    if (release === undefined) return undefined
    hit(`kills ${node.name} and empties its disk`)
    node.wipeDisk()
    return () => {
      if (release()) tell(`starts ${node.name} with an empty disk`)
    }
  },
}
