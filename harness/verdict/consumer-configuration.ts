import type {
  AssignorName,
  CommitPolicy,
  ConsumerClientName,
  GroupProtocol,
  GroupSpec,
  IsolationLevelName,
  SinkName,
} from '../trial/group-spec.ts'

/** The group that reads what the producers on trial write. What is undefined is drawn anew for every trial. */
export interface VerdictConsumer {
  /** One of them for a trial; never empty. */
  readonly clients: readonly ConsumerClientName[]
  readonly protocol: GroupProtocol
  /** Undefined: what the client takes when it is not told. */
  readonly assignor: AssignorName | undefined
  /** Its members have a `group.instance.id` each. */
  readonly isStatic: boolean
  readonly commit: CommitPolicy
  readonly autoCommitIntervalMs: number | undefined
  /** Undefined: what the client takes when it is not told, in every trial. */
  readonly isolationLevel: IsolationLevelName | undefined
  readonly sink: SinkName
  readonly sessionTimeoutMs: number | undefined
  readonly heartbeatIntervalMs: number | undefined
  /** `max.poll.interval.ms`, the rebalance timeout of the JavaScript clients. */
  readonly maxPollIntervalMs: number | undefined
  readonly maxPollRecords: number | undefined
}

const COMMIT_TEXTS: Readonly<Record<CommitPolicy, string>> = {
  before: 'by the application, before it processes a record',
  after: 'by the application, after it has processed a record',
  auto: 'by the client',
}

/** As `configurationRows` of the whole. */
export function consumerRows(consumer: VerdictConsumer): [key: string, value: string | undefined][] {
  const textOf = (value: number | undefined): string | undefined => (value === undefined ? undefined : String(value))
  return [
    ['consumer', consumer.clients.join(', ')],
    ['group.protocol', consumer.protocol],
    ['partition.assignment.strategy', consumer.assignor],
    ['group.instance.id', consumer.isStatic ? 'one a member' : undefined],
    ['enable.auto.commit', String(consumer.commit === 'auto')],
    ['commits', COMMIT_TEXTS[consumer.commit]],
    ['auto.commit.interval.ms', textOf(consumer.autoCommitIntervalMs)],
    ['isolation.level', consumer.isolationLevel],
    ['session.timeout.ms', textOf(consumer.sessionTimeoutMs)],
    ['heartbeat.interval.ms', textOf(consumer.heartbeatIntervalMs)],
    ['max.poll.interval.ms', textOf(consumer.maxPollIntervalMs)],
    ['max.poll.records', textOf(consumer.maxPollRecords)],
    ['sink', consumer.sink],
  ]
}

/** What a smaller scenario must keep of its groups to show something of this configuration. */
export function pinnedGroup(consumer: VerdictConsumer): Partial<Omit<GroupSpec, 'members'>> {
  const { clients, protocol, assignor, commit, sink, isolationLevel, maxPollRecords } = consumer
  const { autoCommitIntervalMs, sessionTimeoutMs, heartbeatIntervalMs, maxPollIntervalMs } = consumer
  const [client] = clients
  return {
    protocol,
    commit,
    sink,
    ...(client === undefined || clients.length > 1 ? {} : { client }),
    ...(assignor === undefined ? {} : { assignor }),
    ...(isolationLevel === undefined ? {} : { isolationLevel }),
    ...(maxPollRecords === undefined ? {} : { maxPollRecords }),
    ...(autoCommitIntervalMs === undefined ? {} : { autoCommitIntervalMs }),
    ...(sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs }),
    ...(heartbeatIntervalMs === undefined ? {} : { heartbeatIntervalMs }),
    ...(maxPollIntervalMs === undefined ? {} : { rebalanceTimeoutMs: maxPollIntervalMs }),
  }
}
