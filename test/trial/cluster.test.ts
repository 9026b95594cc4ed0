import { describe, expect, it } from 'vitest'
import { nodeProperties, nodesOf } from '../../harness/trial/node-layout.ts'
import { onStage, type StageOptions } from '../faults/stage.ts'

const CONFIG = { 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '400' }
const SEPARATE: StageOptions = {
  config: CONFIG,
  cluster: { brokers: 3, controllers: 1, roles: 'separate' },
  topic: { replicationFactor: 3, partitions: 3 },
}

describe('nodesOf', () => {
  it('numbers combined nodes from 1, the first of them brokers and the first of them controllers', () => {
    const nodes = nodesOf({ brokers: 2, controllers: 3, roles: 'combined' })

    expect(nodes.map(({ name }) => name)).toEqual(['broker-1', 'broker-2', 'controller-3'])
    expect(nodes.map(({ isController }) => isController)).toEqual([true, true, true])
    expect(nodes.map(({ isBroker }) => isBroker)).toEqual([true, true, false])
  })

  it('numbers separate controllers from 101', () => {
    const nodes = nodesOf({ brokers: 2, controllers: 3, roles: 'separate' })

    expect(nodes.map(({ name }) => name)).toEqual([
      'broker-1',
      'broker-2',
      'controller-101',
      'controller-102',
      'controller-103',
    ])
    expect(nodes.filter(node => node.isBroker && node.isController)).toEqual([])
  })
})

describe('nodeProperties', () => {
  it('gives each node its roles and listeners, and all of them the same voters', () => {
    const nodes = nodesOf({ brokers: 1, controllers: 1, roles: 'separate' })
    const [broker, controller] = nodes.map(node => nodeProperties(node, nodes, { 'num.io.threads': '2' }))

    expect(broker?.get('process.roles')).toBe('broker')
    expect(broker?.get('listeners')).toBe('PLAINTEXT://broker-1:9092')
    expect(controller?.get('process.roles')).toBe('controller')
    expect(controller?.get('listeners')).toBe('CONTROLLER://controller-101:9093')
    expect(controller?.has('advertised.listeners')).toBe(false)
    for (const properties of [broker, controller]) {
      expect(properties?.get('controller.quorum.voters')).toBe('101@controller-101:9093')
      expect(properties?.get('num.io.threads')).toBe('2')
    }
  })
})

describe('a cluster', () => {
  it('finds whom a fault is on: a broker by its place, or who has a role now', async () => {
    await onStage(async ({ cluster }) => {
      const names = (...targets: Parameters<typeof cluster.resolve>[]) =>
        targets.map(([target, pick]) => cluster.resolve(target, pick)?.name)
      const leaders = [0, 1, 2].map(partition => cluster.leaderOf(partition)?.name)

      expect(names([], [0], [2], [4])).toEqual(['broker-1', 'broker-1', 'broker-3', 'broker-2'])
      expect(names(['controller'])).toEqual(['controller-101'])
      expect(names(['leader', 0], ['leader', 1], ['leader', 5])).toEqual([leaders[0], leaders[1], leaders[2]])
      const followers = names(['follower', 0], ['follower', 3])
      expect(new Set([...followers, leaders[0]]).size).toBe(3)
      expect(cluster.successors(cluster.brokers[2] as never, 2).map(({ name }) => name)).toEqual([
        'broker-3',
        'broker-1',
      ])
    }, SEPARATE)
  })

  it('finds the controllers that are not active, one after the other', async () => {
    await onStage(
      async ({ cluster }) => {
        const voters = [0, 1, 2].map(pick => cluster.resolve('voter', pick))
        expect(new Set([...voters, cluster.activeController()])).toEqual(new Set(cluster.controllers))
        expect(voters[2]).toBe(voters[0])
      },
      { cluster: { brokers: 1, controllers: 3 } },
    )
    await onStage(async ({ cluster }) => expect(cluster.resolve('voter')).toBeUndefined(), SEPARATE)
  })

  it('says what it lacks, until it is whole again', async () => {
    await onStage(async stage => {
      const { cluster } = stage
      expect(cluster.missing()).toEqual([])

      stage.node(2).kill()
      await stage.world.sleep(4000)
      expect(cluster.missing()).toEqual([
        'broker-2 does not run',
        'records-0 has replicas that are not in sync: 2',
        'records-1 has replicas that are not in sync: 2',
        'records-2 has replicas that are not in sync: 2',
      ])
      expect((await cluster.whole(100)).missing).toHaveLength(4)

      cluster.start()
      expect((await cluster.whole(60_000)).missing).toEqual([])
      expect((await cluster.whole(60_000, () => ['the bill'])).missing).toEqual(['the bill'])
    }, SEPARATE)
  })

  it('is not at rest before who leads by the metadata leads in fact and knows everything to be committed', async () => {
    await onStage(
      async stage => {
        const { cluster, world } = stage
        const lag = () => {
          const { leader, leaderEpoch } = cluster.partition(0) ?? {}
          const replica = stage.node(leader ?? 0).replicas()[0]
          const leads = replica?.isLeader === true && replica.leaderEpoch === leaderEpoch
          return { leads, records: (replica?.logEndOffset ?? 0) - (replica?.highWatermark ?? 0) }
        }
        const old = cluster.leaderOf(0)
        await stage.produce(await stage.connect(0, old))
        await stage.begin({ kind: 'move-leader', forMs: 0 })
        const traps = { notLeading: 0, lagging: 0 }
        for (const endMs = world.nowMs + 3000; world.nowMs < endMs; await world.sleep(0.1)) {
          if (cluster.leaderOf(0) === old || cluster.missing().length > 0) continue
          const { leads, records } = lag()
          if (!leads && records > 0) traps.notLeading++
          if (leads && records > 0) traps.lagging++
          if (cluster.unsettled().length === 0) expect({ leads, records }).toEqual({ leads: true, records: 0 })
        }

        expect(traps.notLeading).toBeGreaterThan(0)
        expect(traps.lagging).toBeGreaterThan(0)
        expect(cluster.unsettled()).toEqual([])
      },
      { ...SEPARATE, topic: { replicationFactor: 3 } },
    )
  })

  it('is not at rest before its brokers know what the controllers have committed', async () => {
    await onStage(async ({ cluster, world }) => {
      const release = cluster.brokers.map(broker => broker.freezeThreads(() => true))
      await world.sleep(1500)
      expect(cluster.missing()).toEqual([])
      expect(cluster.unsettled()).toEqual(
        cluster.brokers.map(({ name }) => `${name} does not know all committed metadata`),
      )
      for (const go of release) go?.()
      await world.sleep(3000)
      expect(cluster.unsettled()).toEqual([])
    }, SEPARATE)
  })

  it('observes who leads, who is in sync and what is appended, with the incarnation that did it', async () => {
    await onStage(
      async stage => {
        const { cluster } = stage
        const leader = cluster.leaderOf(0)
        if (leader === undefined) throw new Error('there is no leader')
        const client = await stage.connect(0, leader)
        await stage.produce(client)
        leader.kill()
        await stage.world.sleep(4000)
        cluster.start()
        await stage.whole()

        const { events, dropped } = cluster.observations
        const of = (kind: string) =>
          events.filter(event => event.kind === kind && 'partition' in event && event.partition === 0)
        expect(of('leader-append')).toMatchObject([{ node: leader.id, incarnation: 1, baseOffset: 0, lastOffset: 0 }])
        expect(of('follower-append')).toHaveLength(2)
        expect(of('became-leader').map(({ node }) => node)).toEqual([leader.id, cluster.leaderOf(0)?.id])
        const own = events.filter(({ node }) => node === leader.id)
        expect(own.filter(({ kind }) => kind === 'started').map(({ incarnation }) => incarnation)).toEqual([1, 2])
        expect(own.filter(({ kind }) => kind === 'stopped')).toMatchObject([{ how: 'kill', incarnation: 1 }])
        expect(stage.probes.counts.get('leader-changed')).toBe(1)
        expect(dropped).toBe(0)
      },
      { ...SEPARATE, topic: { replicationFactor: 3 } },
    )
  })
})
