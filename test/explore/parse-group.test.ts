import { describe, expect, it } from 'vitest'
import { parseScenario } from '../../harness/explore/parse-scenario.ts'
import { ScenarioError } from '../../harness/explore/scenario-error.ts'
import type { Scenario } from '../../harness/trial/scenario.ts'
import { GROUP } from '../checkers/group-support.ts'
import { PRODUCER, scenarioOf } from '../checkers/support.ts'

function withGroups(...groups: readonly object[]): unknown {
  const { workload, ...scenario } = scenarioOf([PRODUCER])
  return JSON.parse(JSON.stringify({ ...scenario, format: 3, workload: { ...workload, groups } }))
}

function messageOf(json: unknown): string {
  try {
    parseScenario(json)
  } catch (error) {
    if (error instanceof ScenarioError) return error.message
    throw error
  }
  return 'accepted'
}

describe('parseScenario, with groups', () => {
  it('reads back what was written', () => {
    const member = { startMs: 5, instanceId: null, redeploys: [{ atMs: 100, how: 'close', forMs: 7 }] }
    const json = withGroups({ ...GROUP, isolationLevel: 'read_committed', maxPollRecords: 7, members: [member] })

    expect(parseScenario(json)).toEqual(json)
  })

  it('knows no groups in a file of the format before', () => {
    const json = { ...(withGroups(GROUP) as Scenario), format: 2 }

    expect(messageOf(json)).toMatch(/^workload\.groups is .*, expected one of the keys kind, producers$/)
  })

  it.each([
    [{ client: 'java' }, 'workload.groups[0].client is "java", expected one of kafkajs, platformatic'],
    [{ protocol: 'consumer' }, 'workload.groups[0].protocol is "consumer", expected classic'],
    [{ assignor: 'range' }, 'workload.groups[0].assignor is "range", expected roundrobin'],
    [{ commit: 'never' }, 'workload.groups[0].commit is "never", expected one of before, after, auto'],
    [{ sink: 'file' }, 'workload.groups[0].sink is "file", expected one of none, idempotent'],
    [{ rebalanceTimeoutMs: 9999 }, 'workload.groups[0].rebalanceTimeoutMs is 9999, expected a whole number from 10000'],
    [
      { heartbeatIntervalMs: 10_000 },
      'workload.groups[0].heartbeatIntervalMs is 10000, expected a whole number from 1 to 9999',
    ],
    [{ members: [] }, 'workload.groups[0].members is [], expected a list of 1 to 20 items'],
    [
      { members: [{ startMs: 0, instanceId: 'a', redeploys: [] }] },
      'workload.groups[0].members[0].instanceId is "a", expected null',
    ],
    [
      { client: 'platformatic', autoCommitIntervalMs: 99 },
      'workload.groups[0].autoCommitIntervalMs is 99, expected null or a whole number from 100',
    ],
    [
      { isolationLevel: 'serializable' },
      'workload.groups[0].isolationLevel is "serializable", expected one of read_uncommitted, read_committed',
    ],
    [{ maxPollRecords: 0 }, 'workload.groups[0].maxPollRecords is 0, expected a whole number from 1'],
    [{ groupId: 'mine' }, 'workload.groups[0].groupId is "mine", expected one of the keys client, protocol'],
  ])('refuses %j with one line', (change, message) => {
    expect(messageOf(withGroups({ ...GROUP, ...change }))).toContain(message)
  })

  it('takes what platformatic brings: static members, the new protocol and a second assignor', () => {
    const member = { startMs: 0, instanceId: 'instance-0', redeploys: [] }
    const change = { client: 'platformatic', protocol: 'consumer', assignor: 'cooperative-sticky', members: [member] }

    expect(messageOf(withGroups({ ...GROUP, ...change }))).toBe('accepted')
  })
})
