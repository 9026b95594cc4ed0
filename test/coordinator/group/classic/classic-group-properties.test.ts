import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Command, ManyClients } from '../support/many-clients.ts'

const MEMBERS = 5

const client = fc.nat(MEMBERS - 1)
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('join' as const), client, newMetadata: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('sync' as const), client }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('heartbeat' as const), client }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), client }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), client }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('give up waiting' as const), client }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('everybody joins' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('everybody syncs' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(100, 1000, 3000, 6000, 60_000) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('hold appends' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('commit' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fail appends' as const) }) },
)

/** Which clients are static members, and which version of JoinGroup they speak. */
const clients = fc.array(fc.record({ isStatic: fc.boolean(), apiVersion: fc.constantFrom(3, 8, 9) }), {
  minLength: MEMBERS,
  maxLength: MEMBERS,
})

describe('whatever members do, however long they take and whichever writes fail', () => {
  it('a generation has one leader and no partition has two owners; all are answered once; nothing is left when all are gone', () => {
    fc.assert(
      fc.property(clients, fc.array(command, { maxLength: 120, size: 'max' }), (kinds, commands) => {
        const world = new ManyClients(kinds)

        for (const each of commands) world.perform(each)
        world.end()

        expect(world.violations).toEqual([])
      }),
      { numRuns: 1500, seed: 411 },
    )
  })

  it('generations with several members come about, and so do failures', () => {
    const seen = { stable: 0, failed: 0, fenced: 0 }
    for (const [kinds, commands] of fc.sample(fc.tuple(clients, fc.array(command, { minLength: 60, maxLength: 120 })), {
      numRuns: 300,
      seed: 412,
    })) {
      const world = new ManyClients(kinds)
      for (const each of commands) world.perform(each)
      seen.stable += world.generationsWithSeveralOwners
      seen.failed += world.failedSyncs
      seen.fenced += world.fenced
    }

    expect(seen.stable).toBeGreaterThan(100)
    expect(seen.failed).toBeGreaterThan(20)
    expect(seen.fenced).toBeGreaterThan(20)
  })
})
