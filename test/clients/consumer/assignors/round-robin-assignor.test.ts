import { expect, test } from 'vitest'
import { RoundRobinAssignor } from '../../../../src/clients/consumer/assignors/round-robin-assignor.ts'
import { assign, cluster, subscription } from './group-under-test.ts'

// The examples of the documentation of Kafka's RoundRobinAssignor.
test('gives the partitions of all topics out in turn', () => {
  const both = subscription(['t0', 't1'])
  expect(assign(new RoundRobinAssignor(), cluster({ t0: 3, t1: 3 }), { C0: both, C1: both })).toEqual({
    C0: 't0-0, t0-2, t1-1',
    C1: 't0-1, t1-0, t1-2',
  })
})

test('passes over who has not subscribed', () => {
  const members = {
    C0: subscription(['t0']),
    C1: subscription(['t0', 't1']),
    C2: subscription(['t0', 't1', 't2']),
  }
  expect(assign(new RoundRobinAssignor(), cluster({ t0: 1, t1: 2, t2: 3 }), members)).toEqual({
    C0: 't0-0',
    C1: 't1-0',
    C2: 't1-1, t2-0, t2-1, t2-2',
  })
})

test('orders static members by their instance id, so that new member ids change nothing', () => {
  const member = (groupInstanceId: string) => subscription(['t0', 't1'], { groupInstanceId })
  const inCluster = cluster({ t0: 3, t1: 3 })
  expect(assign(new RoundRobinAssignor(), inCluster, { C5: member('I0'), C3: member('I1'), C4: member('I2') })).toEqual(
    {
      C5: 't0-0, t1-0',
      C3: 't0-1, t1-1',
      C4: 't0-2, t1-2',
    },
  )
})

test('gives nothing out when no topic is there', () => {
  expect(assign(new RoundRobinAssignor(), cluster({}), { C0: subscription(['gone']) })).toEqual({ C0: '' })
})
