import fc from 'fast-check'

function number(min: number, max: number): fc.Arbitrary<string> {
  return fc.integer({ min, max }).map(String)
}

/** Half of the values small, where queues and buffers fill. */
function skewed(min: number, small: number, max: number): fc.Arbitrary<string> {
  return fc.oneof(number(min, small), number(min, max))
}

/** Settings of `server.properties` that change what happens on a request's way, with values that make it happen. */
export const BROKER_KNOBS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  'queued.max.requests': skewed(1, 8, 500),
  'num.io.threads': number(1, 8),
  'num.network.threads': number(1, 6),
  'log.flush.interval.messages': number(1, 50),
  'log.flush.interval.ms': number(1, 5000),
  'log.flush.scheduler.interval.ms': number(100, 5000),
  'log.flush.offset.checkpoint.interval.ms': number(10, 2000),
  'replica.high.watermark.checkpoint.interval.ms': number(10, 5000),
  'log.initial.task.delay.ms': number(0, 2000),
  'log.retention.check.interval.ms': number(50, 2000),
  'max.connections': number(20, 100),
  'socket.send.buffer.bytes': skewed(1024, 4096, 102_400),
  'socket.receive.buffer.bytes': skewed(1024, 4096, 102_400),
  'message.max.bytes': number(300, 4000),
  'connections.max.idle.ms': number(1000, 60_000),
  'log.index.interval.bytes': number(0, 4096),
  'log.message.timestamp.type': fc.constantFrom('CreateTime', 'LogAppendTime'),
  'compression.type': fc.constantFrom('producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'),
}

/** Memory for requests, with room for a few of the largest. The pool has to hold one of the largest size at least. */
export const MEMORY_KNOBS = {
  'socket.request.max.bytes': number(30_000, 60_000),
  'queued.max.request.bytes': number(60_000, 200_000),
}

/** `segment.bytes` cannot be small enough for a short trial (at least 1 MiB since Kafka 4.2); its internal twin can. */
export const TOPIC_KNOBS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  'internal.segment.bytes': number(1024, 16_384),
}

/** Settings that change how replicas and controllers deal with each other. */
export const CLUSTER_KNOBS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  'num.replica.fetchers': number(1, 3),
  'leader.imbalance.check.interval.seconds': number(2, 30),
  'unclean.leader.election.interval.ms': number(1000, 10_000),
  'replica.fetch.max.bytes': number(1, 5000),
  'metadata.log.max.record.bytes.between.snapshots': number(200, 5000),
  'controller.quorum.append.linger.ms': number(0, 50),
  'replica.socket.timeout.ms': number(1000, 30_000),
}

/**
 * Timeouts of a cluster, shorter than Kafka's: they change when a broker counts as dead, a replica as lagging and a leader
 * as lost, and nothing of what follows from it. A heartbeat comes five times in a session; a voter of the quorum answers a
 * waiting fetch after half a second.
 */
export function timingOf(): fc.Arbitrary<Record<string, string>> {
  return fc
    .record({
      session: fc.oneof(fc.integer({ min: 10, max: 30 }), fc.integer({ min: 20, max: 90 })),
      lag: fc.oneof(fc.integer({ min: 500, max: 3000 }), fc.integer({ min: 1000, max: 30_000 })),
      fetchWait: fc.integer({ min: 50, max: 500 }),
      fetchBackoff: fc.integer({ min: 50, max: 1000 }),
      election: fc.integer({ min: 200, max: 1000 }),
      quorumFetch: fc.integer({ min: 1000, max: 2000 }),
      electionBackoff: fc.integer({ min: 100, max: 1000 }),
      quorumRequest: fc.integer({ min: 500, max: 2000 }),
    })
    .map(drawn => ({
      'broker.session.timeout.ms': `${drawn.session * 100}`,
      'broker.heartbeat.interval.ms': `${drawn.session * 20}`,
      'replica.lag.time.max.ms': `${drawn.lag}`,
      'replica.fetch.wait.max.ms': `${drawn.fetchWait}`,
      'replica.fetch.backoff.ms': `${drawn.fetchBackoff}`,
      'controller.quorum.election.timeout.ms': `${drawn.election}`,
      'controller.quorum.fetch.timeout.ms': `${drawn.quorumFetch}`,
      'controller.quorum.election.backoff.max.ms': `${drawn.electionBackoff}`,
      'controller.quorum.request.timeout.ms': `${drawn.quorumRequest}`,
    }))
}
