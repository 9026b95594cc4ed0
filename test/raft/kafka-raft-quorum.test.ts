import { describe, expect, test } from 'vitest'
import { BeginQuorumEpoch } from '../../src/protocol/apis/begin-quorum-epoch.ts'
import { DescribeQuorum } from '../../src/protocol/apis/describe-quorum.ts'
import { Vote } from '../../src/protocol/apis/vote.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { NotLeaderError } from '../../src/raft/raft-client.ts'
import { type QuorumNode, withQuorum } from './quorum-fixture.ts'

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `r${from + i}`)

describe('a quorum of KafkaRaftClients', () => {
  test.each([2, 3, 5])('of %i voters elects one leader that all follow, and commits what it appends', voters =>
    withQuorum(
      async quorum => {
        await quorum.start()
        await quorum.commit('a', 'b')
        await quorum.commit('c')

        for (const { recorder } of quorum.nodes) expect(recorder.records).toEqual(['a', 'b', 'c'])
        expect(quorum.leaders.size).toBe(1)
      },
      { voters },
    ),
  )

  test('elects nobody without a majority, and goes on when it is there', () =>
    withQuorum(async quorum => {
      await quorum.start(2)
      await quorum.world.sleep(20_000)
      expect(quorum.leaders.size).toBe(0)
      expect(quorum.node(2).client.leaderAndEpoch.leaderId).toBeUndefined()

      await quorum.start(3)
      await quorum.commit('a')

      expect(quorum.node(3).recorder.records).toEqual(['a'])
    }))

  test('a listener of the leader hears that it leads only after everything that was committed before', () =>
    withQuorum(async quorum => {
      await quorum.start()
      await quorum.commit('a')
      const old = await quorum.untilLed()
      quorum.kill(old.id)
      const leader = await quorum.untilLed()
      await quorum.until('told', () => leader.recorder.leader?.leaderId === leader.id)

      const { epoch } = leader.client.leaderAndEpoch
      const { events } = leader.recorder
      const told = events.indexOf(`leader ${leader.id} epoch ${epoch}`)
      expect(
        events
          .slice(0, told)
          .filter(event => event.startsWith('commit'))
          .at(-1),
      ).toBe('commit to 2')
    }))

  test('when the leader dies another one is elected and has all that was committed', () =>
    withQuorum(async quorum => {
      await quorum.start()
      await quorum.commit('a')
      const old = await quorum.untilLed()

      quorum.kill(old.id)
      await quorum.commit('b')
      await quorum.start(old.id)
      await quorum.commit('c')

      for (const { recorder } of quorum.nodes) expect(recorder.records).toEqual(['a', 'b', 'c'])
    }))

  test('an isolated leader resigns, and what only it has written vanishes', () =>
    withQuorum(async quorum => {
      await quorum.start()
      await quorum.commit('a')
      const old = await quorum.untilLed()
      const { epoch } = old.client.leaderAndEpoch

      quorum.isolate(old.id)
      quorum.append(old, 'never committed')
      await quorum.until('resigned', () => !old.leads, 3100)
      expect(() => quorum.append(old, 'late')).toThrow(NotLeaderError)
      const others = quorum.nodes.map(({ id }) => id).filter(id => id !== old.id)
      const leader = await quorum.untilLed(...others)
      const offset = quorum.append(leader, 'b')
      await quorum.until('committed', () => others.every(id => quorum.node(id).recorder.nextOffset > offset))
      quorum.rejoin(old.id)
      await quorum.commit('c')

      expect(leader.client.leaderAndEpoch.epoch).toBeGreaterThan(epoch)
      expect(old.truncations).toEqual([2])
      for (const { recorder } of quorum.nodes) expect(recorder.records).toEqual(['a', 'b', 'c'])
    }))

  test('a leader whose followers cannot reach it resigns even though it reaches them', () =>
    withQuorum(async quorum => {
      await quorum.start()
      const old = await quorum.untilLed()
      for (const { id } of quorum.nodes) {
        if (id !== old.id) quorum.world.network.block(`node-${id}`, `node-${old.id}`)
      }

      await quorum.until('resigned', () => !old.leads, 3100)
      await quorum.until('another leader', () => quorum.leader !== undefined && quorum.leader !== old)
      expect(old.client.leaderAndEpoch.leaderId).not.toBe(old.id)
    }))

  test('a voter that was cut off asks before it stands, and so disturbs nobody when it is back', () =>
    withQuorum(async quorum => {
      await quorum.start()
      await quorum.commit('a')
      const leader = await quorum.untilLed()
      const { epoch } = leader.client.leaderAndEpoch
      const cut = quorum.nodes.find(node => node !== leader) as QuorumNode

      for (let round = 0; round < 5; round++) {
        quorum.isolate(cut.id)
        await quorum.world.sleep(10_000)
        quorum.rejoin(cut.id)
        await quorum.world.sleep(5000)
      }
      await quorum.commit('b')

      expect(leader.client.leaderAndEpoch).toEqual({ leaderId: leader.id, epoch })
      expect(quorum.leaders.size).toBe(1)
    }))

  test('a graceful shutdown hands leadership on at once', () =>
    withQuorum(async quorum => {
      await quorum.start()
      await quorum.commit('a')
      const old = await quorum.untilLed()
      const beganMs = quorum.world.nowMs

      await old.process?.run(() => old.client.shutdown(5000))
      const handedOverMs = quorum.world.nowMs - beganMs
      quorum.kill(old.id)
      await quorum.commit('b')

      expect(handedOverMs).toBeLessThan(200)
      expect(old.recorder.events.at(-1)).toBe('shutdown')
    }))

  test('whatever is committed survives that all nodes lose power at once', () =>
    withQuorum(async quorum => {
      await quorum.start()
      await quorum.commit(...numbers(0, 10))
      await quorum.commit(...numbers(10, 20))
      for (const { id } of quorum.nodes) quorum.powerLoss(id)
      await quorum.world.sleep(1000)

      await quorum.start()
      await quorum.commit('after')

      for (const { recorder } of quorum.nodes) expect(recorder.records).toEqual([...numbers(0, 20), 'after'])
    }))

  test.each(['leader', 'follower'])('what two voters have counted is on the disk of the %s', async who => {
    for (let seed = 0; seed < 10; seed++) {
      await withQuorum(
        async quorum => {
          await quorum.start()
          const away = quorum.nodes.find(node => !node.leads) as QuorumNode
          quorum.kill(away.id)
          const leader = await quorum.untilLed()
          const follower = quorum.nodes.find(node => node !== away && node !== leader) as QuorumNode
          const offset = quorum.append(leader, ...numbers(0, 30))
          await quorum.until('counted', () => (leader.client.highWatermark ?? 0) > offset)
          quorum.powerLoss(leader.id)
          quorum.powerLoss(follower.id)
          await quorum.world.sleep(1000)

          const survivor = who === 'leader' ? leader : follower
          await quorum.start(survivor.id, away.id)
          await quorum.commit('after')

          expect(away.recorder.records).toEqual([...numbers(0, 30), 'after'])
        },
        { seed: `power ${seed}` },
      )
    }
  })

  test.each(Array.from({ length: 20 }, (_, seed) => seed))(
    'keeps what was committed through random kills, power losses and partitions (seed %i)',
    seed =>
      withQuorum(
        async quorum => {
          const random = quorum.world.random('chaos')
          await quorum.start()
          const committed: string[] = []
          for (let round = 0; round < 40; round++) {
            const id = random.int(1, 5)
            const node = quorum.node(id)
            const dice = random.int(0, 9)
            if (!node.isUp) await quorum.start(id)
            else if (dice === 0) quorum.kill(id)
            else if (dice === 1) quorum.powerLoss(id)
            else if (dice === 2) quorum.isolate(id)
            else if (dice <= 4) for (let other = 1; other <= 5; other++) quorum.rejoin(other)
            const { leader } = quorum
            if (leader !== undefined) {
              const record = `round ${round}`
              const offset = quorum.append(leader, record)
              await quorum.world.sleep(random.int(0, 1500))
              if (leader.isUp && leader.recorder.nextOffset > offset && leader.recorder.records.includes(record)) {
                committed.push(record)
              }
            } else await quorum.world.sleep(random.int(0, 1500))
          }
          for (let id = 1; id <= 5; id++) {
            quorum.rejoin(id)
            if (!quorum.node(id).isUp) await quorum.start(id)
          }
          await quorum.commit('end')

          for (const { recorder } of quorum.nodes) {
            expect(recorder.records).toEqual(expect.arrayContaining(committed))
            expect(recorder.records.at(-1)).toBe('end')
          }
          quorum.check()
        },
        { voters: 5, seed: `chaos ${seed}` },
      ),
  )

  test('an observer follows from anywhere, finds each new leader, and never votes', () =>
    withQuorum(
      async quorum => {
        await quorum.start(4)
        await quorum.world.sleep(3000)
        await quorum.start(1, 2, 3)
        await quorum.commit('a')
        const observer = quorum.node(4)
        expect(observer.recorder.records).toEqual(['a'])

        const old = await quorum.untilLed()
        quorum.kill(old.id)
        await quorum.commit('b')

        expect(observer.client.isVoter).toBe(false)
        expect(observer.recorder.records).toEqual(['a', 'b'])
        expect(observer.votes.size).toBe(0)
      },
      { observers: 1 },
    ))

  test('followers learn of a commit at once, not with their next fetch', () =>
    withQuorum(async quorum => {
      await quorum.start()
      await quorum.commit('a')
      const leader = await quorum.untilLed()
      await quorum.world.sleep(100)
      const beganMs = quorum.world.nowMs

      await quorum.untilCommitted(quorum.append(leader, 'b'))

      expect(quorum.world.nowMs - beganMs).toBeLessThan(25 + 20)
    }))

  test('idle, it only fetches, twice a second', () =>
    withQuorum(async quorum => {
      await quorum.start()
      const leader = await quorum.untilLed()
      await quorum.world.sleep(5000)
      for (const { requests } of quorum.nodes) requests.clear()

      await quorum.world.sleep(100_000)

      const counts = quorum.nodes.flatMap(({ requests }) => [...requests])
      expect(counts.map(([name]) => name)).toEqual(['Fetch'])
      expect(leader.requests.get('Fetch')).toBeGreaterThan(390)
      expect(leader.requests.get('Fetch')).toBeLessThanOrEqual(400)
    }))

  test('a voter that cannot reach anyone does not ask in a tight loop', () =>
    withQuorum(
      async quorum => {
        await quorum.start(1, 4)
        await quorum.world.sleep(10_000)
        const before = quorum.world.statistics.events

        await quorum.world.sleep(60_000)

        // A refused connection takes about ten events.
        expect(quorum.world.statistics.events - before).toBeLessThan(10_000)
      },
      { observers: 1 },
    ))

  test('describes who is how far', () =>
    withQuorum(
      async quorum => {
        await quorum.start()
        await quorum.commit('a')
        const leader = await quorum.untilLed()
        await quorum.world.sleep(1000)

        const request = { topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] }
        const answer = await leader.process?.run(() => leader.client.handleRequest(DescribeQuorum, 2, request))

        const partition = answer?.topics[0]?.partitions[0]
        expect(partition).toMatchObject({ errorCode: 0, leaderId: leader.id, leaderEpoch: 1, highWatermark: 2 })
        expect(partition?.currentVoters.map(({ replicaId, logEndOffset }) => [replicaId, logEndOffset])).toEqual([
          [1, 2],
          [2, 2],
          [3, 2],
        ])
        expect(partition?.observers.map(({ replicaId, logEndOffset }) => [replicaId, logEndOffset])).toEqual([[4, 2]])
      },
      { observers: 1 },
    ))

  test('refuses requests of another cluster, of strangers, and of the past', () =>
    withQuorum(async quorum => {
      await quorum.start()
      const leader = await quorum.untilLed()
      const { epoch } = leader.client.leaderAndEpoch
      const ask = async (clusterId: string, replicaId: number, replicaEpoch: number) => {
        const partition = {
          partitionIndex: 0,
          replicaEpoch,
          replicaId,
          replicaDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAA',
          voterDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAA',
          lastOffsetEpoch: 0,
          lastOffset: 0,
          preVote: true,
        }
        const topics = [{ topicName: '__cluster_metadata', partitions: [partition] }]
        const answer = await leader.process?.run(() =>
          leader.client.handleRequest(Vote, 2, { clusterId, voterId: leader.id, topics }),
        )
        return answer?.errorCode || answer?.topics[0]?.partitions[0]?.errorCode
      }

      expect(await ask('another-cluster', 2, epoch)).toBe(ErrorCode.INCONSISTENT_CLUSTER_ID)
      expect(await ask('a-cluster', 77, epoch)).toBe(ErrorCode.INCONSISTENT_VOTER_SET)
      expect(await ask('a-cluster', 2, epoch - 1)).toBe(ErrorCode.FENCED_LEADER_EPOCH)
      expect(await ask('a-cluster', 2, epoch)).toBe(0)
      expect(leader.leads).toBe(true)
    }))

  test('two leaders in one epoch are a fault', async () => {
    let faults: readonly unknown[] = []
    await withQuorum(async quorum => {
      await quorum.start()
      const leader = await quorum.untilLed()
      const follower = quorum.nodes.find(node => node !== leader) as QuorumNode
      const partition = {
        partitionIndex: 0,
        voterDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAA',
        leaderId: 6 - leader.id - follower.id,
        leaderEpoch: leader.client.leaderAndEpoch.epoch,
      }
      const topics = [{ topicName: '__cluster_metadata', partitions: [partition] }]
      const answer = await follower.process?.run(() =>
        follower.client.handleRequest(BeginQuorumEpoch, 1, {
          clusterId: null,
          voterId: -1,
          topics,
          leaderEndpoints: [],
        }),
      )

      expect(answer?.errorCode).toBe(ErrorCode.BROKER_NOT_AVAILABLE)
      faults = follower.faults.splice(0)
    })
    expect(faults).toMatchObject([{ name: 'InconsistentLeaderError' }])
  })
})
