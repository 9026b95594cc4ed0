import { describe, expect, it } from 'vitest'
import type { MemberNode } from '../../harness/trial/client-node.ts'
import { FaultPlan } from '../../harness/trial/fault-plan.ts'
import type { Fault } from '../../harness/trial/scenario.ts'
import { onStage, type Stage } from './stage.ts'

const AT_ONCE = { at: { ms: 0 } } as const

/** Ticks of a clock of the client, one every 10 ms. */
function ticksOf(stage: Stage, index: number): { count: number } {
  const ticks = { count: 0 }
  const process = stage.clients[index]?.process
  const tick = (): void => {
    ticks.count++
    process?.timers.after(10, tick)
  }
  process?.timers.after(10, tick)
  return ticks
}

/** A member on the machine of a client, which believes to own partition 0 in a generation. */
function memberOn(stage: Stage, index: number, generation: number): Writable<MemberNode> {
  const client = stage.clients[index]
  if (client === undefined) throw new Error('there is no such client')
  return {
    name: `member-${index}`,
    groupId: 'group-0',
    host: client.host,
    process: client.process,
    assignment: { generation, memberId: `m${index}`, partitions: [0] },
    takeDown: () => undefined,
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

function planOf(stage: Stage, members: readonly MemberNode[]): FaultPlan {
  return new FaultPlan({ ...stage.context, members }, stage.probes)
}

describe('pause-client', () => {
  it('lets the process stand still, and go on at its end', async () => {
    await onStage(async stage => {
      const paused = ticksOf(stage, 1)
      const other = ticksOf(stage, 0)
      stage.plan.arm([{ kind: 'pause-client', ...AT_ONCE, forMs: 1000, pick: 1 }])
      await stage.world.sleep(900)

      expect(paused.count).toBeLessThan(3)
      expect(other.count).toBeGreaterThan(80)

      await stage.world.sleep(300)
      expect(paused.count).toBeGreaterThan(10)
      expect(stage.injected('pause-client')).toBe(1)
    })
  })
})

describe('kill-client', () => {
  it('ends the process, and starts a fresh one at its end', async () => {
    await onStage(async stage => {
      const before = stage.clients[0]?.process
      stage.plan.arm([{ kind: 'kill-client', ...AT_ONCE, forMs: 500 }])
      await stage.world.sleep(100)
      expect(before?.alive).toBe(false)

      await stage.world.sleep(500)
      expect(stage.clients[0]?.process.alive).toBe(true)
      expect(stage.story).toEqual(['kills producer-0 (kill -9)', 'starts producer-0'])
    })
  })
})

describe('zombie', () => {
  const fault: Fault = { kind: 'zombie', ...AT_ONCE, forMs: 20_000 }

  it('wakes a member when a newer generation has given another one what it owned', async () => {
    await onStage(async stage => {
      const ticks = ticksOf(stage, 0)
      const other = memberOn(stage, 1, 1)
      other.assignment = { generation: 1, memberId: 'm1', partitions: [1] }
      planOf(stage, [memberOn(stage, 0, 1), other]).arm([fault])
      await stage.world.sleep(5000)
      expect(ticks.count).toBeLessThan(3)

      other.assignment = { generation: 2, memberId: 'm1', partitions: [0, 1] }
      await stage.world.sleep(500)
      expect(ticks.count).toBeGreaterThan(10)
      expect(stage.story.at(-1)).toBe('member-0 wakes as a zombie')
    })
  })

  it('wakes it at the end of the fault even if nobody has missed it', async () => {
    await onStage(async stage => {
      const ticks = ticksOf(stage, 0)
      const plan = planOf(stage, [memberOn(stage, 0, 1)])
      plan.arm([fault])
      await stage.world.sleep(1000)
      plan.heal()
      await stage.world.sleep(500)

      expect(ticks.count).toBeGreaterThan(10)
      expect(stage.story.at(-1)).toBe('member-0 wakes before anybody has missed it')
    })
  })

  it('finds nothing to hit in a member that owns nothing', async () => {
    await onStage(async stage => {
      const member = memberOn(stage, 0, 1)
      member.assignment = undefined
      const plan = planOf(stage, [member])
      plan.arm([fault])
      await stage.world.sleep(100)

      expect(plan.injected.size).toBe(0)
    })
  })
})
