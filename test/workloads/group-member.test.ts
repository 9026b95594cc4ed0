import { describe, expect, it } from 'vitest'
import { GroupHistory } from '../../harness/history/group-history.ts'
import type { GroupSpec } from '../../harness/trial/group-spec.ts'
import { MemberHost } from '../../harness/workloads/member-host.ts'
import { Sink } from '../../harness/workloads/sink.ts'
import { World } from '../../harness/world/world.ts'
import { GROUP } from '../checkers/group-support.ts'
import { type ConsumerScript, RefusedError, ScriptedConsumer } from './scripted-consumer.ts'

interface Member {
  readonly world: World
  readonly host: MemberHost
  readonly history: GroupHistory
  /** The consumers it has made, in order. */
  readonly consumers: ScriptedConsumer[]
  /** The latest of them. */
  readonly consumer: () => ScriptedConsumer
  /** What the history says, without times: `processed 0`. */
  readonly lines: () => string[]
}

/** Runs a body with the machine of a member whose consumers follow a script. */
function withMember<T>(
  spec: Partial<GroupSpec>,
  body: (member: Member) => Promise<T>,
  script: ConsumerScript = {},
): Promise<T> {
  const world = new World({ seed: 'member' })
  return world.run(() => {
    const history = new GroupHistory()
    const consumers: ScriptedConsumer[] = []
    const group = { ...GROUP, handlerMs: 10, ...spec }
    const host = new MemberHost({
      name: 'group-0-member-0',
      groupId: 'group-0',
      host: world.host('group-0-member-0'),
      history,
      member: 0,
      group,
      sink: new Sink(group.sink),
      onRedeployed: () => undefined,
      createClient: (_, listener) => {
        const consumer = new ScriptedConsumer(listener, script)
        consumers.push(consumer)
        return consumer
      },
      tell: () => undefined,
    })
    const consumer = (): ScriptedConsumer => {
      const latest = consumers.at(-1)
      if (latest === undefined) throw new Error('there is no consumer')
      return latest
    }
    const lines = (): string[] =>
      history.events.map(event => {
        const how = event.kind === 'ended' ? event.how : event.kind
        return 'offset' in event ? `${how} ${event.offset}` : how
      })
    return body({ world, host, history, consumers, consumer, lines })
  })
}

function record(offset: number) {
  return { partition: 0, offset, id: `p0-s${offset}-r0` }
}

const ASSIGNMENT = { generation: 1, memberId: 'm0', partitions: [0] }

describe('a member of a group', () => {
  it('processes a record, and commits it afterwards, before its client may go on', async () => {
    await withMember({ commit: 'after' }, async ({ host, consumer, history, lines, world }) => {
      host.start()
      consumer().listener.assigned(ASSIGNMENT)
      await consumer().listener.handle(record(0))

      expect(world.nowMs).toBe(10)
      expect(lines()).toEqual(['started', 'assigned', 'delivered 0', 'processed 0'])
      expect(history.commits).toMatchObject([
        {
          offset: 1,
          by: 'application',
          generation: 1,
          invokedMs: 10,
          invokedAfter: 4,
          settled: 1,
          outcome: { kind: 'ok' },
        },
      ])
    })
  })

  it('commits a record before it processes it when that is its policy, and does not process what it could not commit', async () => {
    const script: ConsumerScript = {
      commit: async ({ offset }) => {
        if (offset === 1) throw new RefusedError('no')
      },
    }
    await withMember(
      { commit: 'before' },
      async ({ host, consumer, history, lines }) => {
        host.start()
        await consumer().listener.handle(record(0))
        await expect(consumer().listener.handle(record(1))).rejects.toThrow('no')

        expect(lines()).toEqual(['started', 'delivered 0', 'processed 0', 'delivered 1', 'handler-failed 1'])
        expect(history.commits.map(({ invokedAfter, outcome }) => [invokedAfter, outcome.kind])).toEqual([
          [2, 'ok'],
          [4, 'refused'],
        ])
      },
      script,
    )
  })

  it('leaves committing to its client when that is its policy, and writes down what the client tells', async () => {
    await withMember({ commit: 'auto' }, async ({ host, consumer, history }) => {
      host.start()
      consumer().listener.assigned(ASSIGNMENT)
      await consumer().listener.handle(record(0))
      consumer().listener.committed([{ partition: 0, offset: 1 }], 1)

      expect(consumer().committed).toEqual([])
      expect(history.commits).toMatchObject([{ offset: 1, by: 'client', generation: 1, invokedMs: 0 }])
    })
  })

  it('lets an idempotent sink have the effect of a record once, over all its lives', async () => {
    await withMember({ sink: 'idempotent' }, async ({ host, consumer, history }) => {
      host.start()
      await consumer().listener.handle(record(0))
      host.takeDown('kill')?.()
      await consumer().listener.handle(record(0))

      const effects = history.events.flatMap(event => (event.kind === 'processed' ? [[event.run, event.effect]] : []))
      expect(effects).toEqual([
        [1, true],
        [2, false],
      ])
    })
  })

  it('stops in the middle of what it does when it is killed', async () => {
    await withMember({}, async ({ host, consumer, lines, world }) => {
      host.start()
      consumer().listener.handle(record(0))
      await world.sleep(5)
      host.takeDown('kill')
      await world.sleep(100)

      expect(lines()).toEqual(['started', 'delivered 0', 'killed'])
      expect(host.running).toBe(false)
    })
  })

  it('is started again by whoever runs it when its client gives up, and when it cannot begin', async () => {
    await withMember({}, async ({ host, consumer, consumers, lines, world }) => {
      host.start()
      consumer().listener.gaveUp(new Error('crash'))
      await world.sleep(900)
      expect(consumers).toHaveLength(1)

      await world.sleep(200)
      expect(consumers).toHaveLength(2)
      expect(lines()).toEqual(['started', 'gave-up', 'started'])
    })
    const script: ConsumerScript = { start: () => new Promise(() => undefined) }
    await withMember(
      {},
      async ({ host, consumers, world }) => {
        host.start()
        await world.sleep(59_000)
        expect(consumers).toHaveLength(1)
        await world.sleep(3000)
        expect(consumers).toHaveLength(2)
      },
      script,
    )
  })

  it('stays down as long as anything keeps it down', async () => {
    await withMember({}, async ({ host, consumers }) => {
      host.start()
      const release = host.takeDown('kill')
      host.start()
      expect(consumers).toHaveLength(1)
      expect(host.takeDown('kill')).toBeUndefined()

      expect(release?.()).toBe(true)
      expect(consumers).toHaveLength(2)
    })
  })

  it('is redeployed as planned: closed, away, and back with a fresh client', async () => {
    await withMember({}, async ({ host, consumers, lines, world }) => {
      host.plan({ startMs: 100, instanceId: null, redeploys: [{ atMs: 500, how: 'close', forMs: 200 }] })
      await world.sleep(400)
      expect(consumers).toHaveLength(1)
      await world.sleep(200)
      expect(host.running).toBe(false)
      await world.sleep(200)

      expect(lines()).toEqual(['started', 'closed', 'started'])
    })
  })

  it('is left behind when it does not close in time', async () => {
    const script: ConsumerScript = { close: () => new Promise(() => undefined) }
    await withMember(
      {},
      async ({ host, lines, world }) => {
        host.start()
        host.takeDown('close')
        await world.sleep(31_000)

        expect(lines()).toEqual(['started', 'gave-up'])
        expect(host.process).toBeUndefined()
      },
      script,
    )
  })

  it('is done with retiring when its client gives up meanwhile', async () => {
    const script: ConsumerScript = { close: () => new Promise(() => undefined) }
    await withMember(
      {},
      async ({ host, consumer, lines }) => {
        host.start()
        const retired = host.retire(async () => undefined)
        consumer().listener.gaveUp(new Error('frozen'))
        await retired

        expect(lines()).toEqual(['started', 'gave-up'])
      },
      script,
    )
  })

  it('does not come back once it has retired', async () => {
    await withMember({}, async ({ host, lines, world }) => {
      host.start()
      const process = host.process
      let livedOn = false
      await host.retire(async () => {
        livedOn = process?.alive === true
      })
      host.start()
      await world.sleep(5000)

      expect(livedOn).toBe(true)
      expect(lines()).toEqual(['started', 'closed'])
    })
  })
})
