import { describe, expect, it } from 'vitest'
import type { ClusterNode } from '../../harness/trial/cluster-node.ts'
import type { Fault, PartitionShape } from '../../harness/trial/scenario.ts'
import { onStage, type Stage, type StageOptions } from './stage.ts'

/** Short, so that a broker counts as dead and a replica as lagging soon. */
const CONFIG = {
  'broker.session.timeout.ms': '2000',
  'broker.heartbeat.interval.ms': '400',
  'replica.lag.time.max.ms': '1500',
  'replica.fetch.backoff.ms': '100',
}

const THREE: StageOptions = {
  config: CONFIG,
  cluster: { brokers: 3, controllers: 1, roles: 'separate' },
  topic: { replicationFactor: 3 },
}

const QUORUM: StageOptions = { ...THREE, cluster: { brokers: 3, controllers: 3, roles: 'combined' } }

function leader(stage: Stage): ClusterNode {
  const node = stage.cluster.leaderOf(0)
  if (node === undefined) throw new Error('there is no leader')
  return node
}

/** What does not get through between nodes, clients included: `broker-1>broker-2`. */
function blocked({ world, cluster }: Stage): string[] {
  const names = [...cluster.nodes.map(({ name }) => name), 'app-0']
  return names.flatMap(from =>
    names.flatMap(to => (from !== to && world.network.link(from, to).conditions.blocked ? [`${from}>${to}`] : [])),
  )
}

async function until(stage: Stage, condition: () => boolean, limitMs = 20_000): Promise<void> {
  const endMs = stage.world.nowMs + limitMs
  while (!condition()) {
    if (stage.world.nowMs > endMs) throw new Error(`nothing happened for ${limitMs} ms`)
    await stage.world.sleep(10)
  }
}

describe('partition', () => {
  it.each<[PartitionShape | undefined, number | undefined, string[]]>([
    [undefined, undefined, ['broker-1>broker-2', 'broker-1>broker-3', 'broker-2>broker-1', 'broker-3>broker-1']],
    ['two-way', 2, ['broker-1>broker-3', 'broker-2>broker-3', 'broker-3>broker-1', 'broker-3>broker-2']],
    ['one-way-in', undefined, ['broker-2>broker-1', 'broker-3>broker-1']],
    ['one-way-out', undefined, ['broker-1>broker-2', 'broker-1>broker-3']],
    [
      'isolate-one',
      undefined,
      [
        'broker-1>broker-2',
        'broker-1>broker-3',
        'broker-1>app-0',
        'broker-2>broker-1',
        'broker-3>broker-1',
        'app-0>broker-1',
      ],
    ],
    ['majority-ring', undefined, ['broker-1>broker-2', 'broker-2>broker-3', 'broker-3>broker-1']],
  ])('of shape %s with %s nodes cuts what it says, and nothing after its end', async (shape, nodes, expected) => {
    await onStage(async stage => {
      const more = { ...(shape === undefined ? {} : { shape }), ...(nodes === undefined ? {} : { nodes }) }
      await stage.begin({ kind: 'partition', forMs: 1000, on: 0, ...more })

      expect(blocked(stage)).toEqual(expected)
      await stage.world.sleep(1000)
      expect(blocked(stage)).toEqual([])
      expect(stage.injected('partition')).toBe(1)
      await stage.whole()
    }, QUORUM)
  })

  it('takes a leader that is cut off out of its leadership, and it comes back in sync', async () => {
    await onStage(async stage => {
      const old = leader(stage)
      await stage.begin({ kind: 'partition', forMs: 5000, on: 'leader', shape: 'isolate-one' })

      await until(stage, () => stage.cluster.leaderOf(0) !== old)
      await stage.world.sleep(5000)
      await stage.whole()

      expect(stage.probes.counts.get('leader-changed')).toBe(1)
    }, THREE)
  })

  it('of one that begins during another leaves the other in force at its end', async () => {
    await onStage(async stage => {
      stage.arm(
        { kind: 'partition', at: { ms: 0 }, forMs: 1000, on: 0 },
        { kind: 'partition', at: { ms: 100 }, forMs: 200, on: 0 },
      )
      await stage.world.sleep(500)

      expect(blocked(stage)).toHaveLength(4)
      await stage.world.sleep(600)
      expect(blocked(stage)).toEqual([])
    }, QUORUM)
  })

  it('finds nothing to hit in a cluster of one node', async () => {
    await onStage(async stage => {
      await stage.begin({ kind: 'partition', forMs: 1000 })

      expect(stage.injected('partition')).toBe(0)
    })
  })
})

describe('controller-partition', () => {
  it('cuts a broker off from the controllers only, which fence it', async () => {
    await onStage(async stage => {
      await stage.begin({ kind: 'controller-partition', forMs: 4000, on: 1 })

      expect(blocked(stage)).toEqual(['broker-2>controller-101', 'controller-101>broker-2'])
      await until(stage, () => stage.cluster.partition(0)?.isr.includes(2) === false)
      await stage.world.sleep(4000)
      await stage.whole()
    }, THREE)
  })

  it('finds nothing to hit where brokers are the controllers', async () => {
    await onStage(async stage => {
      await stage.begin({ kind: 'controller-partition', forMs: 1000, on: 1 })

      expect(stage.injected('controller-partition')).toBe(0)
    }, QUORUM)
  })
})

describe('the end of nodes', () => {
  it('crash-leader kills whoever leads then, and another broker takes over', async () => {
    await onStage(async stage => {
      const old = leader(stage)
      await stage.begin({ kind: 'crash-leader', forMs: 3000 })

      expect(old.state).toBe('down')
      await until(stage, () => stage.cluster.leaderOf(0) !== old && stage.cluster.leaderOf(0) !== undefined)
      await stage.world.sleep(3000)
      await stage.whole()
      expect(stage.story).toEqual([`kills ${old.name} (kill -9)`, `starts ${old.name}`])
    }, THREE)
  })

  it.each(['kill', 'power-loss'] as const)('%s of several nodes ends the next ones too, at once', async kind => {
    await onStage(async stage => {
      await stage.begin({ kind, forMs: 1000, on: 2, nodes: 2 })

      expect(stage.cluster.brokers.map(({ state }) => state)).toEqual(['down', 'running', 'down'])
      expect(stage.story[0]).toContain('broker-3, broker-1')
      expect(stage.injected(kind)).toBe(1)
      await stage.world.sleep(1000)
      await stage.whole()
    }, THREE)
  })

  it('kill reaches the controller, and the quorum goes on without it', async () => {
    await onStage(async stage => {
      const old = stage.cluster.activeController()
      await stage.begin({ kind: 'kill', forMs: 8000, on: 'controller' })

      expect(old?.state).toBe('down')
      await until(stage, () => stage.probes.counts.get('controller-changed') === 1)
      expect(stage.cluster.activeController()).not.toBe(old)
      await stage.world.sleep(8000)
      await stage.whole()
    }, QUORUM)
  })

  it('controlled-shutdown lets a leader hand over before it goes', async () => {
    await onStage(async stage => {
      const old = leader(stage)
      await stage.begin({ kind: 'controlled-shutdown', forMs: 3000, on: 'leader' })

      await until(stage, () => old.state === 'down')
      expect(old.wasUnclean).toBe(false)
      expect(stage.cluster.leaderOf(0)).not.toBe(old)
      await stage.world.sleep(3000)
      await stage.whole()
    }, THREE)
  })

  it('controlled-shutdown is not for a node that is only a controller', async () => {
    await onStage(async stage => {
      await stage.begin({ kind: 'controlled-shutdown', forMs: 1000, on: 'controller' })

      expect(stage.injected('controlled-shutdown')).toBe(0)
    }, THREE)
  })

  it('rolling-restart takes one broker after the other, never two', async () => {
    await onStage(async stage => {
      const downs: string[] = []
      await stage.begin({ kind: 'rolling-restart', forMs: 30_000, on: 1, amount: 100 })
      for (let looks = 0; looks < 3000; looks++) {
        const down = stage.cluster.brokers.filter(({ state }) => state !== 'running').map(({ name }) => name)
        expect(down.length).toBeLessThanOrEqual(1)
        if (down[0] !== undefined && down[0] !== downs.at(-1)) downs.push(down[0])
        await stage.world.sleep(10)
      }

      expect(downs).toEqual(['broker-2', 'broker-3', 'broker-1'])
      await stage.whole()
    }, THREE)
  })

  it('rolling-restart that is ended leaves no broker down and begins with no other', async () => {
    await onStage(async stage => {
      await stage.begin({ kind: 'rolling-restart', forMs: 30_000, amount: 100 })
      await until(stage, () => stage.broker.state === 'down')

      stage.plan.heal()
      await stage.world.sleep(20_000)

      await stage.whole()
      expect(stage.story.filter(line => line.includes('as its turn'))).toHaveLength(1)
    }, THREE)
  })
})

describe('planned moves', () => {
  it('move-leader lets another replica lead that is in sync, and prefers it from then on', async () => {
    await onStage(async stage => {
      const old = leader(stage)
      await stage.begin({ kind: 'move-leader', forMs: 0 })

      await until(stage, () => stage.cluster.leaderOf(0) !== old)
      expect(stage.cluster.partition(0)?.replicas[0]).toBe(leader(stage).id)
      await stage.whole()
      expect(stage.story).toEqual([`moves the leadership of records-0 from ${old.id} to ${leader(stage).id}`])
    }, THREE)
  })

  it.each([
    ['to a broker that has none', 2, 2],
    ['away where no broker is without one', 3, 2],
  ])("reassign moves a leader's replica %s, and back at its end", async (_, replicationFactor, meanwhile) => {
    await onStage(
      async stage => {
        const original = stage.cluster.partition(0)?.replicas ?? []
        const old = leader(stage)
        await stage.begin({ kind: 'reassign', forMs: 5000 })

        await until(stage, () => stage.cluster.partition(0)?.replicas.includes(old.id) === false)
        expect(stage.cluster.partition(0)?.replicas).toHaveLength(meanwhile)
        await stage.world.sleep(5000)
        await stage.whole()

        expect(stage.cluster.partition(0)?.replicas).toEqual(original)
        expect(stage.injected('reassign')).toBe(1)
      },
      { ...THREE, topic: { replicationFactor } },
    )
  })

  it('move-leader leaves a partition the replicas that it has got back meanwhile', async () => {
    await onStage(async stage => {
      stage.arm({ kind: 'reassign', at: { ms: 0 }, forMs: 2000 }, { kind: 'move-leader', at: { ms: 2001 }, forMs: 0 })
      await stage.world.sleep(6000)

      expect(stage.injected('move-leader')).toBe(1)
      await stage.whole()
    }, THREE)
  })

  it('reassign leaves a partition alone that is being moved already', async () => {
    await onStage(async stage => {
      stage.arm({ kind: 'reassign', at: { ms: 0 }, forMs: 3000 }, { kind: 'reassign', at: { ms: 2000 }, forMs: 3000 })
      await stage.world.sleep(6000)

      expect(stage.injected('reassign')).toBe(1)
      await stage.whole()
    }, THREE)
  })
})

describe('lose-alter-partition', () => {
  it("loses the controller's answer to a leader, which asks again", async () => {
    await onStage(async stage => {
      const slow: Omit<Fault, 'at'> = { kind: 'partition', forMs: 6000, on: 'follower', shape: 'one-way-out' }
      stage.arm({ kind: 'lose-alter-partition', at: { request: 'AlterPartition', nth: 1 }, forMs: 500 })
      await stage.begin(slow)

      await until(stage, () => stage.injected('lose-alter-partition') === 1)
      expect(stage.story.at(-1)).toMatch(/^loses the answer of controller-101 to AlterPartition #1 of /)
      await stage.world.sleep(8000)
      await stage.whole()
    }, THREE)
  })
})

describe('what disks and clocks do', () => {
  it('clock-drift lets time-outs of a node run at another rate', async () => {
    await onStage(async stage => {
      const { clock } = stage.broker.host
      await stage.begin({ kind: 'clock-drift', forMs: 1000, amount: 500_000 })
      const startMs = clock.monotonicMs()

      await stage.world.sleep(900)
      expect(clock.monotonicMs() - startMs).toBeCloseTo(1350, 0)
      await stage.world.sleep(100)
      const endMs = clock.monotonicMs()
      await stage.world.sleep(900)
      expect(clock.monotonicMs() - endMs).toBeCloseTo(900, 0)
      expect(stage.story).toEqual([
        'lets the clock of broker-1 run fast by 50 %',
        'lets the clock of broker-1 run right again',
      ])
    })
  })

  it('fsync-error halts the broker at its next sync, and it runs again afterwards', async () => {
    await onStage(
      async stage => {
        const client = await stage.connect()
        await stage.begin({ kind: 'fsync-error', forMs: 1000 })

        await stage.produce(client).catch(() => undefined)
        expect(stage.broker.state).toBe('down')
        await stage.world.sleep(1000)
        await stage.whole()

        expect(stage.crashes).toEqual([])
        expect(stage.cluster.observations.damage).toMatchObject([{ node: 1, kind: 'fsync-error' }])
      },
      { config: { 'log.flush.interval.messages': '1' } },
    )
  })

  it('bit-rot flips one bit in the older half of a log file, and says which', async () => {
    await onStage(async stage => {
      const client = await stage.connect()
      for (let sends = 0; sends < 4; sends++) await stage.produce(client)
      const path = 'data/records-0/00000000000000000000.log'
      const { disk } = stage.broker.host
      const before = disk.contents(path) ?? Buffer.alloc(0)

      await stage.begin({ kind: 'bit-rot', forMs: 0, amount: 12_345 })

      const after = disk.contents(path) ?? Buffer.alloc(0)
      const changed = [...before.keys()].filter(at => before[at] !== after[at])
      expect(changed).toHaveLength(1)
      expect(changed[0]).toBeLessThan(before.length / 2)
      expect(stage.story).toEqual([`flips a bit in byte ${changed[0]} of ${path} of broker-1`])
      expect(stage.cluster.observations.damage).toMatchObject([{ node: 1, kind: 'bit-rot', file: path }])
    })
  })

  it('wipe-disk takes the logs of a broker, which fetches them anew from the others', async () => {
    await onStage(async stage => {
      const wire = await stage.connect(0, leader(stage))
      await stage.produce(wire)
      await stage.begin({ kind: 'wipe-disk', forMs: 1000, on: 'follower' })
      const [wiped] = stage.cluster.brokers.filter(({ state }) => state === 'down')

      expect(wiped?.host.disk.filesIn('data')).toEqual([])
      expect(wiped?.host.disk.filesIn('metadata').length).toBeGreaterThan(0)
      await stage.world.sleep(1000)
      await stage.whole()

      expect(wiped?.replicas()).toMatchObject([{ partition: 0, logEndOffset: 1 }])
      expect(stage.cluster.observations.damage).toMatchObject([{ node: wiped?.id, kind: 'wipe-disk' }])
    }, THREE)
  })
})
