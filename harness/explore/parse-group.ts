import {
  ASSIGNOR_NAMES,
  type AssignorName,
  COMMIT_POLICIES,
  CONSUMER_CLIENT_NAMES,
  type ConsumerClientName,
  GROUP_PROTOCOLS,
  type GroupProtocol,
  type GroupSpec,
  ISOLATION_LEVELS,
  type MemberSpec,
  REDEPLOY_MEANS,
  SINK_NAMES,
} from '../trial/group-spec.ts'
import type { JsonValue } from './json-reader.ts'

const DAY_MS = 86_400_000
const MAX_MEMBERS = 20
const MAX_REDEPLOYS = 100
const MAX_TEXT = 200
const MAX_POLL_RECORDS = 1_000_000

/** What a client brings: KafkaJS has neither the new protocol nor static members, platformatic two assignors. */
interface Abilities {
  readonly protocols: readonly GroupProtocol[]
  readonly assignors: readonly AssignorName[]
  readonly hasStaticMembers: boolean
  /** The least interval that the client takes for its own commits, ms. */
  readonly leastCommitIntervalMs: number
}

export const ABILITIES: Readonly<Record<ConsumerClientName, Abilities>> = {
  kafkajs: { protocols: ['classic'], assignors: ['roundrobin'], hasStaticMembers: false, leastCommitIntervalMs: 1 },
  platformatic: {
    protocols: GROUP_PROTOCOLS,
    assignors: ['roundrobin', 'cooperative-sticky'],
    hasStaticMembers: true,
    leastCommitIntervalMs: 100,
  },
  'java-semantics': {
    protocols: GROUP_PROTOCOLS,
    assignors: ASSIGNOR_NAMES,
    hasStaticMembers: true,
    leastCommitIntervalMs: 0,
  },
}

const GROUP_KEYS: readonly (keyof GroupSpec)[] = [
  'client',
  'protocol',
  'assignor',
  'commit',
  'autoCommitIntervalMs',
  'handlerMs',
  'sink',
  'sessionTimeoutMs',
  'rebalanceTimeoutMs',
  'heartbeatIntervalMs',
  'isolationLevel',
  'maxPollRecords',
  'members',
]

/** What the client does not bring is refused, and so are timeouts that it would refuse. */
export function readGroup(group: JsonValue): GroupSpec {
  group.only(...GROUP_KEYS)
  const client = group.get('client').oneOf(CONSUMER_CLIENT_NAMES)
  const { protocols, assignors, hasStaticMembers, leastCommitIntervalMs } = ABILITIES[client]
  const sessionTimeoutMs = group.get('sessionTimeoutMs').whole(1, DAY_MS)
  return {
    client,
    protocol: group.get('protocol').oneOf(protocols),
    assignor: group.get('assignor').oneOf(ASSIGNOR_NAMES.filter(name => assignors.includes(name))),
    commit: group.get('commit').oneOf(COMMIT_POLICIES),
    autoCommitIntervalMs: group.get('autoCommitIntervalMs').wholeOrNull(leastCommitIntervalMs, DAY_MS),
    handlerMs: group.get('handlerMs').whole(0, DAY_MS),
    sink: group.get('sink').oneOf(SINK_NAMES),
    sessionTimeoutMs,
    rebalanceTimeoutMs: group.get('rebalanceTimeoutMs').whole(sessionTimeoutMs, DAY_MS),
    heartbeatIntervalMs: group.get('heartbeatIntervalMs').whole(1, Math.max(1, sessionTimeoutMs - 1)),
    ...(group.has('isolationLevel') ? { isolationLevel: group.get('isolationLevel').oneOf(ISOLATION_LEVELS) } : {}),
    ...(group.has('maxPollRecords') ? { maxPollRecords: group.get('maxPollRecords').whole(1, MAX_POLL_RECORDS) } : {}),
    members: group.get('members').list(1, MAX_MEMBERS, member => readMember(member, hasStaticMembers)),
  }
}

function readMember(member: JsonValue, hasStaticMembers: boolean): MemberSpec {
  member.only('startMs', 'instanceId', 'redeploys')
  const instanceId = member.get('instanceId')
  return {
    startMs: member.get('startMs').whole(0, DAY_MS),
    instanceId: hasStaticMembers ? instanceId.textOrNull(MAX_TEXT) : instanceId.null(),
    redeploys: member.get('redeploys').list(0, MAX_REDEPLOYS, redeploy => ({
      atMs: redeploy.only('atMs', 'how', 'forMs').get('atMs').whole(0, DAY_MS),
      how: redeploy.get('how').oneOf(REDEPLOY_MEANS),
      forMs: redeploy.get('forMs').whole(0, DAY_MS),
    })),
  }
}
