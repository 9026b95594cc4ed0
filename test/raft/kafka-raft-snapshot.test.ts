import { describe, expect, test } from 'vitest'
import type { OffsetAndEpoch } from '../../src/raft/raft-client.ts'
import { type Quorum, type QuorumNode, withQuorum } from './quorum-fixture.ts'

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `r${from + i}`)

/** Lets a node snapshot all that its listener was told. */
async function snapshot(node: QuorumNode): Promise<OffsetAndEpoch> {
  const last = node.recorder.batches.at(-1)
  if (last === undefined || node.process === undefined) throw new Error('nothing to snapshot')
  const id = { offset: last.lastOffset + 1, epoch: last.epoch }
  const records = [...node.recorder.records]
  await node.process.run(async () => {
    const writer = await node.client.createSnapshot(id, last.appendTimestampMs)
    await writer?.append(records)
    await writer?.freeze()
    await writer?.close()
  })
  return id
}

/** Many segments, so that the beginning of the log can be let go of. */
const SMALL = { raft: { segmentBytes: 500 } }

async function fill(quorum: Quorum, from: number, to: number): Promise<void> {
  for (const record of numbers(from, to)) await quorum.commit(record)
}

/** What a node's listener was told first, but for who leads. */
function firstDelivery({ recorder }: QuorumNode): string | undefined {
  return recorder.events.find(event => !event.startsWith('leader'))
}

async function logFiles(node: QuorumNode): Promise<string[]> {
  const names = await node.process?.run(() => node.process?.disk.list('__cluster_metadata-0') ?? Promise.resolve([]))
  return (names ?? []).filter(name => name.endsWith('.log') || name.endsWith('.checkpoint'))
}

describe('snapshots', () => {
  test('carry a follower that was away for long over what the leader no longer has', () =>
    withQuorum(async quorum => {
      await quorum.start()
      await fill(quorum, 0, 5)
      const leader = await quorum.untilLed()
      const away = quorum.nodes.find(node => node !== leader) as QuorumNode
      quorum.kill(away.id)
      await fill(quorum, 5, 20)
      await snapshot(leader)
      await fill(quorum, 20, 40)
      const latest = await snapshot(leader)
      await fill(quorum, 40, 45)
      const kept = await logFiles(leader)

      await quorum.start(away.id)
      await quorum.commit('end')

      expect(kept[0]).not.toBe('00000000000000000000.log')
      expect(kept.filter(name => name.endsWith('.checkpoint')).length).toBe(2)
      expect(away.client.latestSnapshotId).toEqual(latest)
      expect(firstDelivery(away)).toBe(`snapshot to ${latest.offset}`)
      expect(away.recorder.records).toEqual([...numbers(0, 45), 'end'])
    }, SMALL))

  test('carry a node whose disk was lost', () =>
    withQuorum(
      async quorum => {
        await quorum.start(1, 2, 3)
        await fill(quorum, 0, 10)
        const leader = await quorum.untilLed()
        const latest = await snapshot(leader)
        await quorum.commit('after')

        await quorum.start(4)
        await quorum.commit('end')

        const observer = quorum.node(4)
        expect(observer.client.latestSnapshotId).toEqual(latest)
        expect(observer.recorder.records).toEqual([...numbers(0, 10), 'after', 'end'])
      },
      { observers: 1 },
    ))

  test('are where a restarted node begins, and larger than what is fetched at once', () =>
    withQuorum(
      async quorum => {
        const big = 'x'.repeat(200_000)
        await quorum.start(1, 2, 3)
        for (let index = 0; index < 60; index++) await quorum.commit(`${index}${big}`)
        const leader = await quorum.untilLed()
        const latest = await snapshot(leader)
        for (const node of quorum.nodes.slice(0, 3)) if (node !== leader) await snapshot(node)
        for (const { id } of quorum.nodes.slice(0, 3)) quorum.kill(id)

        await quorum.start()
        await quorum.commit('end')

        expect(firstDelivery(leader)).toBe(`snapshot to ${latest.offset}`)
        expect(firstDelivery(quorum.node(4))).toBe(`snapshot to ${latest.offset}`)
        for (const { recorder } of quorum.nodes) expect(recorder.records.length).toBe(61)
      },
      { observers: 1 },
    ))

  test('survive a power loss in the middle of being taken', () =>
    withQuorum(async quorum => {
      await quorum.start()
      await fill(quorum, 0, 5)
      const leader = await quorum.untilLed()
      const away = quorum.nodes.find(node => node !== leader) as QuorumNode
      quorum.powerLoss(away.id)
      await fill(quorum, 5, 20)
      await snapshot(leader)
      await fill(quorum, 20, 30)
      await snapshot(leader)
      const random = quorum.world.random('power')
      for (let round = 0; round < 60; round++) {
        await quorum.start(away.id)
        await quorum.world.sleep(random.float() * 8)
        quorum.powerLoss(away.id)
      }

      await quorum.start(away.id)
      await quorum.commit('end')

      expect(away.recorder.records).toEqual([...numbers(0, 30), 'end'])
    }, SMALL))

  test('are refused beyond what is committed, and when there is a newer one', () =>
    withQuorum(async quorum => {
      await quorum.start()
      await fill(quorum, 0, 5)
      const leader = await quorum.untilLed()
      const { offset, epoch } = await snapshot(leader)

      await leader.process?.run(async () => {
        expect(await leader.client.createSnapshot({ offset: offset - 1, epoch }, 0)).toBeUndefined()
        await expect(leader.client.createSnapshot({ offset: offset + 1, epoch }, 0)).rejects.toThrow(RangeError)
        await expect(leader.client.createSnapshot({ offset, epoch: epoch + 1 }, 0)).rejects.toThrow(RangeError)
      })
    }))

  test('that was not frozen leaves nothing behind', () =>
    withQuorum(async quorum => {
      await quorum.start()
      await fill(quorum, 0, 5)
      const leader = await quorum.untilLed()
      const last = leader.recorder.batches.at(-1)
      await leader.process?.run(async () => {
        const id = { offset: (last?.lastOffset ?? 0) + 1, epoch: last?.epoch ?? 0 }
        const writer = await leader.client.createSnapshot(id, 0)
        await writer?.append(['half'])
        await writer?.close()
      })

      expect((await logFiles(leader)).length).toBe(1)
      expect(leader.client.latestSnapshotId).toBeUndefined()
    }))
})
