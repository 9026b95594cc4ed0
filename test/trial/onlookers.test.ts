import { describe, expect, it } from 'vitest'
import { Onlookers } from '../../harness/trial/onlookers.ts'
import { World } from '../../harness/world/world.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { onStage, TOPIC } from '../faults/stage.ts'
import { batchOf, type ScriptedLog, serveLog } from './scripted-log.ts'

const PORT = 9092

/** What is noted within five seconds of a broker that answers fetches so. */
async function lookOn(fetch: ScriptedLog['fetch']): Promise<string[]> {
  const world = new World({ seed: 'onlookers' })
  return await world.run(async () => {
    await serveLog(world.host('broker').process(), PORT, { offset: () => ({ offset: 0 }), fetch })
    const onlookers = new Onlookers(world)
    onlookers.start([{ id: 7, name: 'broker', port: PORT }], { name: TOPIC, partitions: 1 })
    await world.sleep(5000)
    onlookers.stop()
    return onlookers.reads.map(({ node, offset, id }) => `node ${node}: ${offset} ${id}`)
  })
}

const nothing = { records: Buffer.alloc(0) }

describe('Onlookers', () => {
  it('note each record once, where they were shown it', async () => {
    expect(await lookOn(from => (from < 3 ? { records: batchOf(from, from) } : nothing))).toEqual([
      'node 7: 0 r0',
      'node 7: 1 r1',
      'node 7: 2 r2',
    ])
  })

  it('read again from the beginning when their place is gone, and note what is another one now', async () => {
    const gone = { ...nothing, errorCode: ErrorCode.OFFSET_OUT_OF_RANGE }
    const noted = await lookOn((from, nth) => {
      if (nth === 3) return gone
      if (from > 1) return nothing
      return { records: nth > 3 && from === 1 ? batchOf(1, 1, 9) : batchOf(from, from) }
    })

    expect(noted).toEqual(['node 7: 0 r0', 'node 7: 1 r1', 'node 7: 1 r9'])
  })

  it('ask in the epoch of what they were shown last, until they are told that it is over', async () => {
    const asked: number[] = []
    await lookOn((from, nth, askedEpoch) => {
      asked.push(askedEpoch)
      if (nth === 1) return { ...nothing, errorCode: ErrorCode.FENCED_LEADER_EPOCH }
      return from < 2 ? { records: batchOf(from, from, from, 4 + from) } : nothing
    })

    expect(asked.slice(0, 4)).toEqual([-1, 4, -1, 5])
  })

  it('go on after a connection has ended', async () => {
    expect(
      await lookOn((from, nth) => {
        if (nth === 2) return undefined
        return from < 2 ? { records: batchOf(from, from) } : nothing
      }),
    ).toEqual(['node 7: 0 r0', 'node 7: 1 r1'])
  })

  it('are shown by every replica what is committed', async () => {
    await onStage(
      async stage => {
        const onlookers = new Onlookers(stage.world)
        onlookers.start(stage.cluster.brokers, stage.cluster.spec.topic)
        await stage.produce(await stage.connect(0, stage.cluster.leaderOf(0)))
        await stage.world.sleep(3000)
        onlookers.stop()

        const seen = onlookers.reads.map(({ node, offset }) => `node ${node}: ${offset}`).sort()
        expect(seen).toEqual(['node 1: 0', 'node 2: 0', 'node 3: 0'])
      },
      { cluster: { brokers: 3, controllers: 3 }, topic: { replicationFactor: 3 } },
    )
  })
})
