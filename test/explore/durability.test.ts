import { describe, expect, it } from 'vitest'
import { type Durability, durabilityOf, mayCorrupt } from '../../harness/explore/durability.ts'
import type { Fault, ProducerSpec, Scenario } from '../../harness/trial/scenario.ts'
import { PRODUCER, scenarioOf } from '../checkers/support.ts'

interface Setting {
  readonly acks?: ProducerSpec['acks']
  readonly minIsr?: number
  readonly unclean?: boolean
  readonly elr?: 0 | 1
  readonly flush?: boolean
  readonly replicationFactor?: number
  readonly brokers?: number
}

/** A scenario as `kafka-correctness` has them: three brokers, three copies. */
function scenario(faults: readonly Omit<Fault, 'at' | 'forMs'>[], setting: Setting = {}): Scenario {
  const { acks = -1, minIsr = 2, unclean = false, elr = 1, flush = false } = setting
  const { replicationFactor = 3, brokers = 3 } = setting
  return {
    ...scenarioOf([{ ...PRODUCER, acks }]),
    cluster: {
      brokers,
      controllers: 1,
      roles: 'separate',
      config: flush ? { 'log.flush.interval.messages': '1' } : {},
      features: { 'eligible.leader.replicas.version': elr },
      topic: {
        name: 'records',
        partitions: 1,
        replicationFactor,
        config: { 'min.insync.replicas': `${minIsr}`, 'unclean.leader.election.enable': `${unclean}` },
      },
    },
    faults: faults.map(fault => ({ ...fault, at: { ms: 0 }, forMs: 10 })),
  }
}

const CRASHES = [{ kind: 'crash-leader' }, { kind: 'kill', nodes: 3 }, { kind: 'partition' }] as const
const POWER_LOSS = [{ kind: 'power-loss' }] as const
const LAG_AND_POWER_LOSS = [{ kind: 'pause', on: 'follower' }, ...POWER_LOSS] as const
const MOVE = { kind: 'reassign' } as const
const TWO_POWER_LOSSES = [{ kind: 'power-loss', nodes: 2 }] as const

describe('what becomes of acknowledged records with three copies', () => {
  it.each<[string, readonly Omit<Fault, 'at' | 'forMs'>[], Setting, Durability]>([
    ['acks=1, a crash', CRASHES, { acks: 1 }, 'unpromised'],
    ['acks=1, a planned move', [{ kind: 'move-leader' }], { acks: 1 }, 'unpromised'],
    ['acks=1, a client that is slow', [{ kind: 'stall-reader' }], { acks: 1 }, 'kept'],
    ['acks=0 is not acknowledged', CRASHES, { acks: 0 }, 'kept'],
    ['acks=all, crashes', CRASHES, { minIsr: 1 }, 'kept'],
    ['acks=all, crashes, unclean', CRASHES, { minIsr: 1, unclean: true }, 'unpromised'],
    ['acks=all, crashes, unclean', CRASHES, { minIsr: 2, unclean: true }, 'unpromised'],
    ['acks=all, crashes, unclean, every copy asked for', CRASHES, { minIsr: 3, unclean: true }, 'kept'],
    [
      'acks=all, crashes, unclean, every copy asked for, and one of another broker added',
      [...CRASHES, { kind: 'reassign' }],
      { minIsr: 2, unclean: true, replicationFactor: 2 },
      'unpromised',
    ],
    ['acks=all, a power loss, one copy enough', LAG_AND_POWER_LOSS, { minIsr: 1 }, 'kept-but-for-damage'],
    ['acks=all, a power loss', LAG_AND_POWER_LOSS, { minIsr: 2 }, 'kept'],
    ['acks=all, a power loss, no ELR', LAG_AND_POWER_LOSS, { minIsr: 2, elr: 0 }, 'kept-but-for-damage'],
    ['acks=all, nothing but a power loss, no ELR', POWER_LOSS, { minIsr: 2, elr: 0 }, 'kept'],
    ['acks=all, two power losses', TWO_POWER_LOSSES, { minIsr: 2 }, 'kept-but-for-damage'],
    ['acks=all, two power losses, three copies', TWO_POWER_LOSSES, { minIsr: 3 }, 'kept'],
    ['acks=all, a power loss and a kill', [...POWER_LOSS, { kind: 'kill' }], { minIsr: 2 }, 'kept-but-for-damage'],
    ['acks=all, power losses, all flushed', TWO_POWER_LOSSES, { minIsr: 1, flush: true }, 'kept'],
    [
      'acks=all, a disk replaced, all flushed',
      [{ kind: 'wipe-disk' }],
      { minIsr: 1, flush: true },
      'kept-but-for-damage',
    ],
    ['acks=all, a disk replaced', [{ kind: 'wipe-disk' }], { minIsr: 2 }, 'kept'],
    ['acks=all, a copy given up and taken back, all asked for', [MOVE], { minIsr: 3 }, 'unpromised'],
    ['acks=all, a copy moved and moved back, all asked for', [MOVE], { minIsr: 3, brokers: 4 }, 'kept'],
    ['acks=all, a copy given up and taken back, no ELR', [MOVE], { minIsr: 3, elr: 0 }, 'kept'],
    ['acks=all, a copy given up and taken back, two asked for', [MOVE], { minIsr: 2 }, 'kept'],
  ])('%s: %j %j', (_, faults, setting, expected) => {
    expect(durabilityOf(scenario(faults, setting))).toBe(expected)
  })
})

describe('what becomes of acknowledged records with one copy', () => {
  it.each<[readonly Omit<Fault, 'at' | 'forMs'>[], Setting, Durability]>([
    [CRASHES, { acks: 1 }, 'kept'],
    [POWER_LOSS, {}, 'kept-but-for-damage'],
    [POWER_LOSS, { flush: true }, 'kept'],
    [[{ kind: 'wipe-disk' }], { flush: true }, 'kept-but-for-damage'],
    [[{ kind: 'reassign' }], { acks: 1 }, 'unpromised'],
    [[{ kind: 'reassign' }], { acks: -1 }, 'kept'],
  ])('%j %j: %s', (faults, setting, expected) => {
    expect(durabilityOf(scenario(faults, { ...setting, replicationFactor: 1, minIsr: 1 }))).toBe(expected)
  })
})

it('takes a disk for corrupt that rots, or that loses power after it failed to sync', () => {
  const faults = (...kinds: Fault['kind'][]): Fault[] => kinds.map(kind => ({ kind, at: { ms: 0 }, forMs: 0 }))

  expect(mayCorrupt(faults('bit-rot'))).toBe(true)
  expect(mayCorrupt(faults('fsync-error', 'power-loss'))).toBe(true)
  expect(mayCorrupt(faults('fsync-error', 'kill'))).toBe(false)
  expect(mayCorrupt(faults('power-loss', 'wipe-disk'))).toBe(false)
})
