/** Keys of Kafka 4.2 that are read without complaint, though nothing here acts on them. */
const KNOWN_KEYS: ReadonlySet<string> = new Set(
  `alter.config.policy.class.name alter.log.dirs.replication.quota.window.num
  alter.log.dirs.replication.quota.window.size.seconds authorizer.class.name client.quota.callback.class
  connections.max.reauth.ms controlled.shutdown.max.retries controlled.shutdown.retry.backoff.ms
  controller.performance.always.log.threshold.ms controller.performance.sample.period.ms controller.quota.window.num
  controller.quota.window.size.seconds controller.quorum.auto.join.enable controller.quorum.fetch.snapshot.max.bytes
  controller.quorum.fetch.max.bytes create.topic.policy.class.name
  delegation.token.expiry.check.interval.ms delegation.token.expiry.time.ms delegation.token.max.lifetime.ms
  delegation.token.secret.key early.start.listeners eligible.leader.replicas.enable
  follower.fetch.last.tiered.offset.enable
  group.coordinator.append.max.buffer.size group.coordinator.cached.buffer.max.bytes
  group.coordinator.rebalance.protocols group.share.assignors
  group.share.delivery.count.limit group.share.enable group.share.heartbeat.interval.ms
  group.share.initialize.retry.interval.ms group.share.max.delivery.count.limit group.share.max.heartbeat.interval.ms
  group.share.max.partition.max.record.locks group.share.max.record.lock.duration.ms group.share.max.session.timeout.ms
  group.share.max.share.sessions group.share.max.size group.share.min.delivery.count.limit
  group.share.min.heartbeat.interval.ms group.share.min.partition.max.record.locks
  group.share.min.record.lock.duration.ms group.share.min.session.timeout.ms group.share.partition.max.record.locks
  group.share.persister.class.name group.share.record.lock.duration.ms group.share.session.timeout.ms
  group.streams.assignment.interval.ms group.streams.heartbeat.interval.ms group.streams.initial.rebalance.delay.ms
  group.streams.max.heartbeat.interval.ms group.streams.max.session.timeout.ms group.streams.max.size
  group.streams.max.standby.replicas group.streams.min.heartbeat.interval.ms group.streams.min.session.timeout.ms
  group.streams.num.standby.replicas group.streams.session.timeout.ms internal.metadata.log.segment.bytes
  kafka.metrics.polling.interval.secs kafka.metrics.reporters log.cleaner.hash.algorithm log.local.retention.bytes
  log.local.retention.ms metric.reporters metrics.num.samples metrics.recording.level metrics.sample.window.ms
  num.replica.alter.log.dirs.threads
  principal.builder.class quota.window.num quota.window.size.seconds remote.fetch.max.wait.ms
  remote.list.offsets.request.timeout.ms replication.quota.window.num
  replication.quota.window.size.seconds sasl.enabled.mechanisms sasl.jaas.config
  security.providers server.max.startup.time.ms share.fetch.purgatory.purge.interval.requests
  socket.connection.setup.timeout.max.ms telemetry.max.bytes
  transaction.abort.timed.out.transaction.cleanup.interval.ms transaction.partition.verification.enable
  transaction.remove.expired.transaction.cleanup.interval.ms transaction.state.log.load.buffer.size
  transaction.two.phase.commit.enable unstable.api.versions.enable
  unstable.feature.versions.enable`.split(/\s+/),
)

const KNOWN_PREFIXES: readonly string[] = [
  'config.providers',
  'listener.name.',
  'remote.log.',
  'rlmm.config.',
  'rsm.config.',
  'sasl.',
  'share.coordinator.',
  'ssl.',
]

/** Whether Kafka has the key, though it does nothing here. */
export function isKnownButUnused(key: string): boolean {
  return KNOWN_KEYS.has(key) || KNOWN_PREFIXES.some(prefix => key.startsWith(prefix))
}

/** All such keys, for finding the one that was meant. */
export function knownKeys(): ReadonlySet<string> {
  return KNOWN_KEYS
}
