import type { SimulatedDisk } from '../world/disk.ts'
import type { SimulatedHost } from '../world/host.ts'
import type { SimulatedProcess } from '../world/process.ts'
import { type AmountRange, amountOf, type FaultKind } from './fault-kind.ts'
import { Overlaps } from './overlaps.ts'

const CPU_FACTOR: AmountRange = { unit: 'times slower', low: 10, high: 2000 }
const DISK_FACTOR: AmountRange = { unit: 'times slower', low: 10, high: 5000 }
const JUMP: AmountRange = { unit: 'ms, negative is back', low: -7_200_000, high: 7_200_000 }

const pauses = new Overlaps<SimulatedProcess>()
const slowCpus = new Overlaps<SimulatedHost, number>()
const slowDisks = new Overlaps<SimulatedDisk, number>()
const fullDisks = new Overlaps<SimulatedDisk>()

export const kill: FaultKind = {
  name: 'kill',
  summary: "the broker's process ends at once (kill -9) and is started again afterwards; the page cache survives",
  longestMs: 5000,
  inject({ broker, hit, tell }) {
    const release = broker.takeDown('kill')
    if (release === undefined) return undefined
    hit(`kills ${broker.name} (kill -9)`)
    return () => {
      if (release()) tell(`starts ${broker.name}`)
    }
  },
}

export const powerLoss: FaultKind = {
  name: 'power-loss',
  summary: "the broker's machine loses power: what was not synced to disk may be lost or torn",
  longestMs: 5000,
  inject({ broker, hit, tell }) {
    const release = broker.takeDown('power-loss')
    if (release === undefined) return undefined
    hit(`cuts the power of ${broker.name}`)
    return () => {
      if (release()) tell(`boots ${broker.name} and starts its broker`)
    }
  },
}

export const restart: FaultKind = {
  name: 'restart',
  summary: 'the broker is shut down cleanly and started again afterwards; one that does not run yet is left alone',
  longestMs: 5000,
  inject({ broker, hit, tell }) {
    const release = broker.takeDown('shutdown')
    if (release === undefined) return undefined
    hit(`shuts ${broker.name} down`)
    return () => {
      if (release()) tell(`starts ${broker.name}`)
    }
  },
}

export const pause: FaultKind = {
  name: 'pause',
  summary: "the broker's process stands still (SIGSTOP, a long garbage collection); its kernel goes on taking bytes",
  longestMs: 8000,
  inject({ broker, hit, tell }) {
    const processes = [...broker.host.processes]
    if (processes.length === 0) return undefined
    hit(`pauses ${broker.name}`)
    const ends = processes.map(process =>
      pauses.begin(process, true, active => {
        if (active.length > 0) process.pause()
        else process.resume()
      }),
    )
    return () => {
      tell(`lets ${broker.name} go on`)
      for (const end of ends) end()
    }
  },
}

export const slowCpu: FaultKind = {
  name: 'slow-cpu',
  summary: "the broker's processor is slower by a factor; work begun before the end keeps its pace",
  amount: CPU_FACTOR,
  longestMs: 8000,
  inject({ broker, hit, tell }, fault) {
    const { host } = broker
    const factor = amountOf(fault, CPU_FACTOR)
    hit(`makes the processor of ${broker.name} ${factor} times slower`)
    const end = slowCpus.begin(host, factor, active => {
      host.cpuSlowness = Math.max(1, ...active)
    })
    return () => {
      tell(`the processor of ${broker.name} has its normal speed again`)
      end()
    }
  },
}

export const slowDisk: FaultKind = {
  name: 'slow-disk',
  summary: "the broker's disk is slower by a factor; operations begun before the end keep their pace",
  amount: DISK_FACTOR,
  longestMs: 8000,
  inject({ broker, hit, tell }, fault) {
    const { disk } = broker.host
    const factor = amountOf(fault, DISK_FACTOR)
    hit(`makes the disk of ${broker.name} ${factor} times slower`)
    const end = slowDisks.begin(disk, factor, active => {
      disk.slowness = Math.max(1, ...active)
    })
    return () => {
      tell(`the disk of ${broker.name} has its normal speed again`)
      end()
    }
  },
}

export const fullDisk: FaultKind = {
  name: 'full-disk',
  summary: "the broker's disk is full: writes fail, the broker halts as Kafka does, and is started again with room",
  longestMs: 5000,
  inject({ broker, hit, tell }) {
    const { disk } = broker.host
    hit(`fills the disk of ${broker.name}`)
    const end = fullDisks.begin(disk, true, active => {
      disk.full = active.length > 0
    })
    return () => {
      tell(`makes room on the disk of ${broker.name}`)
      end()
      broker.start()
    }
  },
}

export const clockJump: FaultKind = {
  name: 'clock-jump',
  summary: "the broker's wall clock is wrong by a jump, and jumps back; monotonic time does not notice",
  amount: JUMP,
  longestMs: 8000,
  inject({ broker, hit, tell }, fault) {
    const byMs = fault.amount ?? 60_000
    hit(`moves the wall clock of ${broker.name} by ${byMs} ms`)
    broker.host.clock.jump(byMs)
    return () => {
      tell(`sets the wall clock of ${broker.name} right`)
      broker.host.clock.jump(-byMs)
    }
  },
}
