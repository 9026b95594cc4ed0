import type { SimulatedClock } from '../world/clock.ts'
import type { SimulatedHost } from '../world/host.ts'
import { type AmountRange, amountOf, type FaultKind } from './fault-kind.ts'
import { Overlaps } from './overlaps.ts'

const CPU_FACTOR: AmountRange = { unit: 'times slower', low: 10, high: 2000 }
const JUMP: AmountRange = { unit: 'ms, negative is back', low: -7_200_000, high: 7_200_000 }
const DRIFT: AmountRange = { unit: 'µs a second, negative is slow', low: -500_000, high: 1_000_000 }

const slowCpus = new Overlaps<SimulatedHost, number>()
const drifts = new Overlaps<SimulatedClock, number>()

export const slowCpu: FaultKind = {
  name: 'slow-cpu',
  summary: "the node's processor is slower by a factor; work begun before the end keeps its pace",
  amount: CPU_FACTOR,
  longestMs: 8000,
  inject({ node, hit, tell }, fault) {
    if (node === undefined) return undefined
    const { host, name } = node
    const factor = amountOf(fault, CPU_FACTOR)
    hit(`makes the processor of ${name} ${factor} times slower`)
    const end = slowCpus.begin(host, factor, active => {
      host.cpuSlowness = Math.max(1, ...active)
    })
    return () => {
      tell(`the processor of ${name} has its normal speed again`)
      end()
    }
  },
}

export const clockJump: FaultKind = {
  name: 'clock-jump',
  summary: "the node's wall clock is wrong by a jump, and jumps back; monotonic time does not notice",
  amount: JUMP,
  longestMs: 8000,
  inject({ node, hit, tell }, fault) {
    if (node === undefined) return undefined
    const byMs = fault.amount ?? 60_000
    hit(`moves the wall clock of ${node.name} by ${byMs} ms`)
    node.host.clock.jump(byMs)
    return () => {
      tell(`sets the wall clock of ${node.name} right`)
      node.host.clock.jump(-byMs)
    }
  },
}

export const clockDrift: FaultKind = {
  name: 'clock-drift',
  summary: "the node's clock runs at another rate: its time-outs are shorter or longer than those of others",
  amount: DRIFT,
  longestMs: 15_000,
  inject({ node, hit, tell }, fault) {
    if (node === undefined) return undefined
    const { clock } = node.host
    const ppm = fault.amount ?? DRIFT.high
    hit(`lets the clock of ${node.name} run ${ppm < 0 ? 'slow' : 'fast'} by ${Math.abs(ppm) / 10_000} %`)
    const end = drifts.begin(clock, ppm, active => clock.setDrift(active.at(-1) ?? 0))
    return () => {
      tell(`lets the clock of ${node.name} run right again`)
      end()
    }
  },
}
