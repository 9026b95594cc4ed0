import { expect, it } from 'vitest'
import { Cluster } from '../../harness/trial/cluster.ts'
import { ClusterAdmin } from '../../harness/trial/cluster-admin.ts'
import { Probes } from '../../harness/trial/probes.ts'
import { World } from '../../harness/world/world.ts'

it('owes what is owed twice in the same words until both are done', async () => {
  const world = new World({ seed: 'owed' })
  const cluster = new Cluster({
    world,
    spec: {
      brokers: 1,
      controllers: 1,
      roles: 'combined',
      config: {},
      topic: { name: 'records', partitions: 1, replicationFactor: 1, config: {} },
    },
    probes: new Probes(),
    tell: () => undefined,
  })
  const admin = new ClusterAdmin(world, cluster)
  const owed = await world.run(async () => {
    const seen: number[] = []
    const done = (afterMs: number) => async () => world.nowMs >= afterMs
    admin.owe(0, 'records-0 is not back', done(500))
    admin.owe(0, 'records-0 is not back', done(1500))
    for (const untilMs of [100, 1000, 2000]) {
      await world.sleep(untilMs - world.nowMs)
      seen.push(admin.owed.length)
    }
    return seen
  })

  expect(owed).toEqual([2, 1, 0])
})
