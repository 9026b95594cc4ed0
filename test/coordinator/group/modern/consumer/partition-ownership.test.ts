import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ConsumerGroupUnderTest } from '../../support/consumer-group-under-test.ts'
import { ConsumingMember } from '../../support/consuming-member.ts'

const MEMBERS = ['A', 'B', 'C', 'D'] as const

const memberIndex = fc.nat({ max: MEMBERS.length - 1 })
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ what: fc.constant('heartbeat' as const), who: memberIndex }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constant('reconcile' as const), who: memberIndex }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constantFrom(
        'lostAnswer' as const,
        'leave' as const,
        'crash' as const,
        'both' as const,
        'bills' as const,
      ),
      who: memberIndex,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constantFrom('partition' as const, 'failover' as const), who: memberIndex }),
  },
)

test('no partition is with two members at a time, and at rest each is with one', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), steps => {
      let coordinator = new ConsumerGroupUnderTest({ orders: 3, bills: 2 })
      const members = MEMBERS.map(id => new ConsumingMember(coordinator, id))
      let partitions = 3
      for (const { what, who } of steps) {
        const member = members[who]
        if (member === undefined) continue
        if (what === 'heartbeat') member.heartbeat()
        else if (what === 'lostAnswer') member.heartbeat(false)
        else if (what === 'reconcile') member.reconcile()
        else if (what === 'leave') member.leave()
        else if (what === 'crash') member.crash()
        else if (what === 'both') member.subscribe(['bills', 'orders'])
        else if (what === 'bills') member.subscribe(['bills'])
        else if (what === 'partition') {
          partitions += 1
          coordinator.createTopics({ orders: partitions })
        } else {
          coordinator = coordinator.failover()
          for (const one of members) one.coordinator = coordinator
        }
        const owned = members.flatMap(one => one.owned)
        expect(new Set(owned).size).toBe(owned.length)
      }

      for (const member of members) member.subscribe(['bills', 'orders'])
      for (let round = 0; round < 12; round += 1) {
        for (const member of members) {
          member.heartbeat()
          member.reconcile()
        }
      }

      expect(coordinator.group.state).toBe('Stable')
      const all = [0, 1].map(number => `bills-${number}`)
      for (let number = 0; number < partitions; number += 1) all.push(`orders-${number}`)
      expect(members.flatMap(({ owned }) => owned).sort()).toEqual(all.sort())
    }),
    { seed: 848, numRuns: 500 },
  )
})
