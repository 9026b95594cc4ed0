import type { ClusterNode, TakeDown } from '../trial/cluster-node.ts'
import type { Fault } from '../trial/scenario.ts'
import { pauseProcesses } from './clients.ts'
import { type AmountRange, amountOf, type FaultKind, type Heal, type Injection } from './fault-kind.ts'

const REST: AmountRange = { unit: 'ms between two brokers', low: 0, high: 3000 }
/** How often a rolling restart looks whether the broker whose turn it is has come back. */
const LOOK_MS = 20

/** How a crash is told: what is done to whom, and what is done at its end. */
interface Words {
  readonly hit: (names: string) => string
  readonly end: (names: string) => string
}

/** Takes nodes down at once, and starts them again at the end. */
function takeDown(
  { hit, tell }: Injection,
  nodes: readonly ClusterNode[],
  how: TakeDown,
  words: Words,
): Heal | undefined {
  const hits: { readonly node: ClusterNode; readonly release: () => boolean }[] = []
  for (const node of nodes) {
    const release = node.takeDown(how)
    if (release !== undefined) hits.push({ node, release })
  }
  if (hits.length === 0) return undefined
  hit(words.hit(namesOf(hits.map(({ node }) => node))))
  return () => {
    const started = hits.filter(({ release }) => release()).map(({ node }) => node)
    if (started.length > 0) tell(words.end(namesOf(started)))
  }
}

function namesOf(nodes: readonly ClusterNode[]): string {
  return nodes.map(({ name }) => name).join(', ')
}

/** The node that a fault is on and the next ones, as many as it says. */
function targetsOf({ cluster, node }: Injection, { nodes = 1 }: Fault): ClusterNode[] {
  return node === undefined ? [] : cluster.successors(node, nodes)
}

const KILL: Words = { hit: names => `kills ${names} (kill -9)`, end: names => `starts ${names}` }
const SHUTDOWN: Words = { hit: names => `shuts ${names} down`, end: names => `starts ${names}` }

export const kill: FaultKind = {
  name: 'kill',
  summary: "the node's process ends at once (kill -9) and is started again afterwards; the page cache survives",
  longestMs: 5000,
  inject: (injection, fault) => takeDown(injection, targetsOf(injection, fault), 'kill', KILL),
}

export const crashLeader: FaultKind = {
  name: 'crash-leader',
  summary: 'the leader of a partition is killed (kill -9), whoever it is then, and started again afterwards',
  longestMs: 5000,
  inject(injection, { pick = 0 }) {
    const leader = injection.cluster.resolve('leader', pick)
    return leader === undefined ? undefined : takeDown(injection, [leader], 'kill', KILL)
  },
}

export const powerLoss: FaultKind = {
  name: 'power-loss',
  summary: "the node's machine loses power: what was not synced to disk may be lost or torn",
  longestMs: 5000,
  inject: (injection, fault) =>
    takeDown(injection, targetsOf(injection, fault), 'power-loss', {
      hit: names => `cuts the power of ${names}`,
      end: names => `boots ${names} and starts what runs there`,
    }),
}

function shutDown({ node, ...injection }: Injection): Heal | undefined {
  return node === undefined ? undefined : takeDown({ node, ...injection }, [node], 'shutdown', SHUTDOWN)
}

export const restart: FaultKind = {
  name: 'restart',
  summary: 'the node is shut down cleanly and started again afterwards; one that does not run yet is left alone',
  longestMs: 5000,
  inject: shutDown,
}

export const controlledShutdown: FaultKind = {
  name: 'controlled-shutdown',
  summary: 'a broker is asked to stop (SIGTERM): it hands its leaderships over first; it is started again afterwards',
  longestMs: 15_000,
  inject: injection => (injection.node?.isBroker ? shutDown(injection) : undefined),
}

/** Shuts one broker after the other down and starts it, as an upgrade does. */
class RollingRestart {
  readonly #injection: Injection
  readonly #restMs: number
  readonly #left: ClusterNode[]
  #release: (() => boolean) | undefined
  #over = false

  constructor(injection: Injection, first: ClusterNode, restMs: number) {
    this.#injection = injection
    this.#restMs = restMs
    this.#left = injection.cluster.successors(first, injection.cluster.brokers.length)
  }

  next(): void {
    if (this.#over) return
    const node = this.#left.shift()
    if (node === undefined) return
    this.#release = node.takeDown('shutdown')
    if (this.#release === undefined) {
      this.next()
      return
    }
    this.#injection.hit(`shuts ${node.name} down, as its turn of a rolling restart`)
    this.#when(
      () => node.state === 'down',
      () => this.#startAgain(node),
    )
  }

  end(): void {
    this.#over = true
    this.#release?.()
    this.#release = undefined
  }

  #startAgain(node: ClusterNode): void {
    this.#injection.tell(`starts ${node.name}`)
    this.#release?.()
    this.#release = undefined
    this.#when(
      () => node.state === 'running',
      () => this.#after(this.#restMs, () => this.next()),
    )
  }

  #when(condition: () => boolean, then: () => void): void {
    if (this.#over) return
    if (condition()) then()
    else this.#after(LOOK_MS, () => this.#when(condition, then))
  }

  #after(ms: number, run: () => void): void {
    const { world } = this.#injection
    world.at(world.nowUs + ms * 1000, world.mainLane, 'fault', run)
  }
}

export const rollingRestart: FaultKind = {
  name: 'rolling-restart',
  summary: 'one broker after the other is shut down cleanly and started, each when the one before runs again',
  amount: REST,
  longestMs: 30_000,
  inject(injection, fault) {
    const { node } = injection
    if (!node?.isBroker) return undefined
    const rolling = new RollingRestart(injection, node, amountOf(fault, REST))
    rolling.next()
    return () => rolling.end()
  },
}

export const pause: FaultKind = {
  name: 'pause',
  summary: "the node's process stands still (SIGSTOP, a long garbage collection); its kernel goes on taking bytes",
  longestMs: 8000,
  inject({ node, hit, tell }) {
    const processes = [...(node?.host.processes ?? [])]
    if (node === undefined || processes.length === 0) return undefined
    hit(`pauses ${node.name}`)
    const resume = pauseProcesses(processes)
    return () => {
      tell(`lets ${node.name} go on`)
      resume()
    }
  },
}
