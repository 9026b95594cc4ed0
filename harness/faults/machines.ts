import { amountOf, type FaultContext, type FaultKind } from './fault-kind.ts'

/** Faults of one kind may overlap: the strongest counts, and the last one to end restores the normal value. */
class Strongest {
  readonly #active: number[] = []

  begin(amount: number, apply: (value: number) => void): () => void {
    this.#active.push(amount)
    apply(Math.max(...this.#active))
    return () => {
      this.#active.splice(this.#active.indexOf(amount), 1)
      apply(Math.max(1, ...this.#active))
    }
  }
}

const slowness = new WeakMap<object, Strongest>()

function strongestOf(owner: object): Strongest {
  let strongest = slowness.get(owner)
  if (strongest === undefined) {
    strongest = new Strongest()
    slowness.set(owner, strongest)
  }
  return strongest
}

export const kill: FaultKind = {
  name: 'kill',
  summary: "the broker's process ends at once (kill -9) and is started again afterwards; the page cache survives",
  longestMs: 5000,
  inject({ broker, tell }) {
    if (!broker.kill()) return undefined
    tell(`kills ${broker.name} (kill -9)`)
    return () => {
      tell(`starts ${broker.name}`)
      broker.start()
    }
  },
}

export const powerLoss: FaultKind = {
  name: 'power-loss',
  summary: "the broker's machine loses power: what was not synced to disk may be lost or torn",
  longestMs: 5000,
  inject({ broker, tell }) {
    if (!broker.powerLoss()) return undefined
    tell(`cuts the power of ${broker.name}`)
    return () => {
      tell(`boots ${broker.name} and starts its broker`)
      broker.start()
    }
  },
}

export const restart: FaultKind = {
  name: 'restart',
  summary: 'the broker is shut down cleanly and started again afterwards',
  longestMs: 5000,
  inject({ broker, tell }) {
    if (!broker.shutdown()) return undefined
    tell(`shuts ${broker.name} down`)
    return () => {
      tell(`starts ${broker.name}`)
      broker.start()
    }
  },
}

export const pause: FaultKind = {
  name: 'pause',
  summary: "the broker's process stands still (SIGSTOP, a long garbage collection); its kernel goes on taking bytes",
  longestMs: 8000,
  inject({ broker, tell }) {
    tell(`pauses ${broker.name}`)
    broker.host.pause()
    return () => {
      tell(`lets ${broker.name} go on`)
      broker.host.resume()
    }
  },
}

export const slowCpu: FaultKind = {
  name: 'slow-cpu',
  summary: "the broker's processor is slower by a factor",
  amount: { unit: 'times slower', low: 10, high: 2000 },
  longestMs: 8000,
  inject({ broker, tell }, fault) {
    const factor = amountOf(fault, { unit: 'times', low: 10, high: 2000 })
    tell(`makes the processor of ${broker.name} ${factor} times slower`)
    const end = strongestOf(broker.host).begin(factor, value => {
      broker.host.cpuSlowness = value
    })
    return () => {
      tell(`the processor of ${broker.name} has its normal speed again`)
      end()
    }
  },
}

export const slowDisk: FaultKind = {
  name: 'slow-disk',
  summary: "the broker's disk is slower by a factor",
  amount: { unit: 'times slower', low: 10, high: 5000 },
  longestMs: 8000,
  inject({ broker, tell }, fault) {
    const factor = amountOf(fault, { unit: 'times', low: 10, high: 5000 })
    tell(`makes the disk of ${broker.name} ${factor} times slower`)
    const end = strongestOf(broker.host.disk).begin(factor, value => {
      broker.host.disk.slowness = value
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
  inject({ broker, tell }: FaultContext) {
    tell(`fills the disk of ${broker.name}`)
    broker.host.disk.full = true
    return () => {
      tell(`makes room on the disk of ${broker.name}`)
      broker.host.disk.full = false
      broker.start()
    }
  },
}

export const clockJump: FaultKind = {
  name: 'clock-jump',
  summary: "the broker's wall clock is wrong by a jump, and jumps back; monotonic time does not notice",
  amount: { unit: 'ms, negative is back', low: -7_200_000, high: 7_200_000 },
  longestMs: 8000,
  inject({ broker, tell }, fault) {
    const byMs = fault.amount ?? 60_000
    tell(`moves the wall clock of ${broker.name} by ${byMs} ms`)
    broker.host.clock.jump(byMs)
    return () => {
      tell(`sets the wall clock of ${broker.name} right`)
      broker.host.clock.jump(-byMs)
    }
  },
}
