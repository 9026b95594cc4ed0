import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ClassicConsumingMember } from '../support/classic-consuming-member.ts'
import { ConsumingMember } from '../support/consuming-member.ts'
import { MixedGroupUnderTest } from '../support/mixed-group-under-test.ts'
import { GROUP } from '../support/shard-under-test.ts'

const PARTITIONS = 4
const who = fc.nat({ max: 1 })
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ what: fc.constantFrom('modern' as const, 'classic' as const), who }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constantFrom('reconcile' as const, 'tick' as const), who }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constantFrom(
        'modernLeaves' as const,
        'classicLeaves' as const,
        'modernCrashes' as const,
        'classicCrashes' as const,
      ),
      who,
    }),
  },
)

test('while a group goes from one protocol to the other no partition is with two members at a time, and at rest each is with one', () => {
  const types = new Set<string>()
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), fc.boolean(), (steps, endsClassic) => {
      const coordinator = new MixedGroupUnderTest({ orders: PARTITIONS })
      const modern = ['A', 'B'].map(id => new ConsumingMember(coordinator, id))
      const classic = [0, 1].map(() => new ClassicConsumingMember(coordinator))
      const all = [...modern, ...classic]
      /** Whoever is there is heard of, so that no session ends but of those who are gone. */
      const tick = (ms: number) => {
        for (const member of modern) if (member.isActive) member.heartbeat()
        for (const member of classic) if (member.isActive) member.step()
        coordinator.timer.advance(ms)
      }
      for (const { what, who: index } of steps) {
        if (what === 'modern') modern[index]?.heartbeat()
        else if (what === 'reconcile') modern[index]?.reconcile()
        else if (what === 'classic') classic[index]?.step()
        else if (what === 'tick') tick(3000)
        else if (what === 'modernLeaves') modern[index]?.leave()
        else if (what === 'modernCrashes') modern[index]?.crash()
        else if (what === 'classicLeaves') classic[index]?.leave()
        else classic[index]?.crash()
        const owned = all.flatMap(member => member.owned)
        expect(new Set(owned).size).toBe(owned.length)
        if (coordinator.shard.groups.hasGroup(GROUP)) types.add(coordinator.shard.groups.group(GROUP).type)
      }

      if (endsClassic) for (const member of modern) member.leave()
      const staying = endsClassic ? classic : all
      // Long enough for the sessions and rebalances of those who have crashed.
      for (let round = 0; round < 150; round += 1) {
        for (const member of endsClassic ? [] : modern) {
          member.heartbeat()
          member.reconcile()
        }
        for (const member of classic) member.step()
        coordinator.timer.advance(1000)
      }

      const everything = Array.from({ length: PARTITIONS }, (_, number) => `orders-${number}`)
      expect(staying.flatMap(({ owned }) => owned).sort()).toEqual(everything)
      expect(coordinator.shard.groups.group(GROUP).stateAsString()).toBe('Stable')
    }),
    { seed: 848, numRuns: 200 },
  )
  expect(types).toEqual(new Set(['classic', 'consumer']))
})
