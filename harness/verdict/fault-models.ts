import type { FaultName } from '../trial/scenario.ts'

export const FAULT_MODEL_NAMES = ['process-crash', 'power-loss', 'partition', 'maintenance', 'client'] as const
export type FaultModelName = (typeof FAULT_MODEL_NAMES)[number]

/** What may go wrong, as people name it. */
export interface FaultModel {
  readonly name: FaultModelName
  readonly summary: string
  readonly kinds: readonly FaultName[]
  /** Probes that a campaign under this model should reach; what it does not is said with its answer. */
  readonly probes: readonly string[]
}

/**
 * A process that stands still belongs to all models of crashes: it is how a replica falls behind while its log stays,
 * without which no in-sync replica set would shrink before its leader goes down.
 */
export const FAULT_MODELS: Readonly<Record<FaultModelName, FaultModel>> = {
  'process-crash': {
    name: 'process-crash',
    summary: 'processes are killed, crash right after an append, stand still; what they wrote stays in the page cache',
    kinds: ['kill', 'crash-leader', 'restart', 'pause'],
    probes: [
      'broker-unclean-restart',
      'leader-changed',
      'isr-shrunk',
      'isr-expanded',
      'follower-truncated',
      'hw-lagging',
    ],
  },
  'power-loss': {
    name: 'power-loss',
    summary: 'machines lose power and what they had not flushed; replicas stand still',
    kinds: ['power-loss', 'pause'],
    probes: ['broker-unclean-restart', 'leader-changed', 'isr-shrunk', 'isr-expanded'],
  },
  partition: {
    name: 'partition',
    summary: 'the network cuts nodes and clients off from each other, one way or both ways, and loses answers',
    kinds: [
      'partition',
      'controller-partition',
      'lose-alter-partition',
      'disconnect',
      'blackhole',
      'lose-response',
      'pause',
    ],
    probes: ['isr-shrunk', 'isr-expanded', 'leader-changed', 'produce-answer-lost'],
  },
  maintenance: {
    name: 'maintenance',
    summary: 'what operators do: leaders moved, replicas reassigned, brokers shut down and started one after the other',
    kinds: ['move-leader', 'reassign', 'controlled-shutdown', 'rolling-restart', 'restart'],
    probes: ['leader-changed', 'isr-shrunk', 'isr-expanded'],
  },
  client: {
    name: 'client',
    summary:
      'applications are killed, stand still, come back as zombies when others have what was theirs; members of groups are redeployed',
    kinds: ['kill-client', 'pause-client', 'zombie'],
    probes: [],
  },
}

/** What a verdict about a group should reach besides. */
const GROUP_PROBES: readonly string[] = ['group-rebalanced', 'coordinator-changed']

/** What happens to every cluster sooner or later, but for what no default configuration is made for. */
export const DEFAULT_FAULT_MODELS: readonly FaultModelName[] = ['process-crash', 'partition', 'maintenance']

/** Groups are what applications make of Kafka: theirs end, too. */
export const DEFAULT_GROUP_FAULT_MODELS: readonly FaultModelName[] = [...DEFAULT_FAULT_MODELS, 'client']

/** Faults of applications, which no node notices. */
export const CLIENT_FAULTS: ReadonlySet<FaultName> = new Set(FAULT_MODELS.client.kinds)

/** The kinds of faults of some models, each once, in the order of the models. */
export function kindsOf(models: readonly FaultModelName[]): FaultName[] {
  return [...new Set(models.flatMap(name => FAULT_MODELS[name].kinds))]
}

export function probesOf(models: readonly FaultModelName[], withGroup: boolean): string[] {
  return [...new Set([...models.flatMap(name => FAULT_MODELS[name].probes), ...(withGroup ? GROUP_PROBES : [])])]
}
