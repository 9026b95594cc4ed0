import { ErrorCode, errorCodeOf, errorName, isRetriable } from '../protocol/errors.ts'

export { ConfigError as ConfigException } from '../config/config-error.ts'

export interface KafkaErrorOptions extends ErrorOptions {
  /** The protocol's code for this error, when it has one. */
  readonly code?: ErrorCode
}

/**
 * What Kafka's clients end an operation with (KafkaException). The classes below carry the names of the Java client's and
 * stand in the same tree, as far as callers tell them apart; any other error of a broker is an `ApiException` whose `code`
 * and `errorName` say which.
 */
export class KafkaError extends Error {
  /** The name of the exception in the Java client: `NotLeaderOrFollowerException`. */
  override readonly name: string
  /** The protocol's code; undefined for errors that never travel. */
  readonly code: ErrorCode | undefined

  constructor(message: string, { code, ...options }: KafkaErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.name = new.target.name === 'KafkaError' ? 'KafkaException' : new.target.name
  }

  /** The error's name in the protocol: `NOT_LEADER_OR_FOLLOWER`; undefined for errors that never travel. */
  get errorName(): string | undefined {
    return this.code === undefined ? undefined : errorName(this.code)
  }

  /** Whether the same may succeed when it is tried again (Java: `instanceof RetriableException`). */
  get retriable(): boolean {
    return false
  }
}

/** An error of a broker that no class below stands for. */
export class ApiException extends KafkaError {
  override readonly name: string

  constructor(message: string, options: KafkaErrorOptions = {}) {
    super(message, options)
    const generic = new.target.name === 'ApiException' || new.target.name === 'RetriableException'
    this.name = generic && options.code !== undefined ? exceptionName(options.code) : new.target.name
  }
}

/** Passing: what failed may succeed when it is tried again. */
export class RetriableException extends ApiException {
  override get retriable(): boolean {
    return true
  }
}

/** Something took longer than it may: `max.block.ms`, `delivery.timeout.ms`, `default.api.timeout.ms` … */
export class TimeoutException extends RetriableException {
  constructor(message: string, options?: ErrorOptions) {
    super(message, { code: ErrorCode.REQUEST_TIMED_OUT, ...options })
  }
}

/** `buffer.memory` was full for `max.block.ms`, or more sends wait for it than may. */
export class BufferExhaustedException extends TimeoutException {}

/** The connection ended before the answer came: the request may have been handled or not. */
export class DisconnectException extends RetriableException {
  constructor(message = 'the connection ended before the answer came', options?: ErrorOptions) {
    super(message, options)
  }
}

/** Passing, and what the client knows of the cluster must be asked for anew first. */
export class RefreshRetriableException extends RetriableException {}

/** What the client knows of a topic's leaders is no longer true. */
export class InvalidMetadataException extends RefreshRetriableException {
  override readonly name: string

  constructor(message: string, options: KafkaErrorOptions & { readonly code: ErrorCode }) {
    super(message, options)
    this.name = exceptionName(options.code)
  }
}

/** The coordinator of a group or transaction is not there, or is another one. */
export class CoordinatorUnavailableException extends RefreshRetriableException {
  override readonly name: string

  constructor(message: string, options: KafkaErrorOptions & { readonly code: ErrorCode }) {
    super(message, options)
    this.name = exceptionName(options.code)
  }
}

/** The client may not do that. */
export class AuthorizationException extends ApiException {}

export class TopicAuthorizationException extends AuthorizationException {
  readonly unauthorizedTopics: readonly string[]

  constructor(
    unauthorizedTopics: readonly string[],
    message = `not authorized to access topics: ${unauthorizedTopics}`,
  ) {
    super(message, { code: ErrorCode.TOPIC_AUTHORIZATION_FAILED })
    this.unauthorizedTopics = unauthorizedTopics
  }
}

export class GroupAuthorizationException extends AuthorizationException {
  constructor(message: string) {
    super(message, { code: ErrorCode.GROUP_AUTHORIZATION_FAILED })
  }
}

export class ClusterAuthorizationException extends AuthorizationException {
  constructor(message: string) {
    super(message, { code: ErrorCode.CLUSTER_AUTHORIZATION_FAILED })
  }
}

export class TransactionalIdAuthorizationException extends AuthorizationException {
  constructor(message: string) {
    super(message, { code: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED })
  }
}

/** Names that no topic can have, or that are refused. */
export class InvalidTopicException extends ApiException {
  readonly invalidTopics: readonly string[]

  constructor(invalidTopics: readonly string[], message = `invalid topics: ${invalidTopics}`) {
    super(message, { code: ErrorCode.INVALID_TOPIC_EXCEPTION })
    this.invalidTopics = invalidTopics
  }
}

/** A record is larger than `max.request.size`, `buffer.memory` or what the broker takes. */
export class RecordTooLargeException extends ApiException {
  constructor(message: string) {
    super(message, { code: ErrorCode.MESSAGE_TOO_LARGE })
  }
}

/** A batch of several records is larger than the broker takes; producers split it. */
export class RecordBatchTooLargeException extends ApiException {
  constructor(message: string) {
    super(message, { code: ErrorCode.RECORD_LIST_TOO_LARGE })
  }
}

/** The broker refused this record itself. */
export class InvalidRecordException extends ApiException {
  constructor(message: string) {
    super(message, { code: ErrorCode.INVALID_RECORD })
  }
}

/** A sequence number that does not follow on the last one: records may have been lost. */
export class OutOfOrderSequenceException extends ApiException {
  constructor(message: string, code: ErrorCode = ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER) {
    super(message, { code })
  }
}

/** The broker has forgotten the producer's state. */
export class UnknownProducerIdException extends OutOfOrderSequenceException {
  constructor(message: string) {
    super(message, ErrorCode.UNKNOWN_PRODUCER_ID)
  }
}

/** A newer producer with the same transactional id has taken over. */
export class ProducerFencedException extends ApiException {
  constructor(message: string) {
    super(message, { code: ErrorCode.PRODUCER_FENCED })
  }
}

export class InvalidProducerEpochException extends ApiException {
  constructor(message: string) {
    super(message, { code: ErrorCode.INVALID_PRODUCER_EPOCH })
  }
}

/** The broker, or this client, has no version of an API that can say what is asked. */
export class UnsupportedVersionException extends ApiException {
  constructor(message: string, options?: ErrorOptions) {
    super(message, { code: ErrorCode.UNSUPPORTED_VERSION, ...options })
  }
}

/** A key or value that a serializer cannot write, or a deserializer cannot read. */
export class SerializationException extends KafkaError {}

/** A blocking call was ended by `wakeup()`. */
export class WakeupException extends KafkaError {
  constructor(message = 'wakeup() was called') {
    super(message)
  }
}

/** A call that makes no sense in the state the client is in: a mistake of the caller (Java: IllegalStateException). */
export class IllegalStateException extends Error {
  override readonly name = 'IllegalStateException'
}

/** An argument that no call can take: a mistake of the caller (Java: IllegalArgumentException). */
export class IllegalArgumentException extends Error {
  override readonly name = 'IllegalArgumentException'
}

/** A call that this client cannot do as it is configured (Java: UnsupportedOperationException). */
export class UnsupportedOperationException extends Error {
  override readonly name = 'UnsupportedOperationException'
}

type Maker = (message: string, code: ErrorCode) => KafkaError

const invalidMetadata: Maker = (message, code) => new InvalidMetadataException(message, { code })
const coordinatorUnavailable: Maker = (message, code) => new CoordinatorUnavailableException(message, { code })

/** Codes whose exception is more than an `ApiException` or a `RetriableException`. */
const MAKERS: ReadonlyMap<ErrorCode, Maker> = new Map<ErrorCode, Maker>([
  [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, invalidMetadata],
  [ErrorCode.LEADER_NOT_AVAILABLE, invalidMetadata],
  [ErrorCode.NOT_LEADER_OR_FOLLOWER, invalidMetadata],
  [ErrorCode.REPLICA_NOT_AVAILABLE, invalidMetadata],
  [ErrorCode.NETWORK_EXCEPTION, invalidMetadata],
  [ErrorCode.KAFKA_STORAGE_ERROR, invalidMetadata],
  [ErrorCode.LISTENER_NOT_FOUND, invalidMetadata],
  [ErrorCode.FENCED_LEADER_EPOCH, invalidMetadata],
  [ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE, invalidMetadata],
  [ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE, invalidMetadata],
  [ErrorCode.ELECTION_NOT_NEEDED, invalidMetadata],
  [ErrorCode.UNKNOWN_TOPIC_ID, invalidMetadata],
  [ErrorCode.INCONSISTENT_TOPIC_ID, invalidMetadata],
  [ErrorCode.COORDINATOR_NOT_AVAILABLE, coordinatorUnavailable],
  [ErrorCode.NOT_COORDINATOR, coordinatorUnavailable],
  [ErrorCode.REQUEST_TIMED_OUT, message => new TimeoutException(message)],
  [ErrorCode.TOPIC_AUTHORIZATION_FAILED, message => new TopicAuthorizationException([], message)],
  [ErrorCode.GROUP_AUTHORIZATION_FAILED, message => new GroupAuthorizationException(message)],
  [ErrorCode.CLUSTER_AUTHORIZATION_FAILED, message => new ClusterAuthorizationException(message)],
  [ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, message => new TransactionalIdAuthorizationException(message)],
  [ErrorCode.INVALID_TOPIC_EXCEPTION, message => new InvalidTopicException([], message)],
  [ErrorCode.MESSAGE_TOO_LARGE, message => new RecordTooLargeException(message)],
  [ErrorCode.RECORD_LIST_TOO_LARGE, message => new RecordBatchTooLargeException(message)],
  [ErrorCode.INVALID_RECORD, message => new InvalidRecordException(message)],
  [ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, message => new OutOfOrderSequenceException(message)],
  [ErrorCode.UNKNOWN_PRODUCER_ID, message => new UnknownProducerIdException(message)],
  [ErrorCode.PRODUCER_FENCED, message => new ProducerFencedException(message)],
  [ErrorCode.INVALID_PRODUCER_EPOCH, message => new InvalidProducerEpochException(message)],
  [ErrorCode.UNSUPPORTED_VERSION, message => new UnsupportedVersionException(message)],
])

/**
 * The exception that stands for a broker's error code (Java: `Errors.forCode(code).exception(message)`). A code that Kafka
 * 4.2 does not know becomes UNKNOWN_SERVER_ERROR. Not for NONE.
 */
export function exceptionFor(code: number, message?: string | null): KafkaError {
  const known = errorCodeOf(code)
  const text = message ?? errorName(code)
  const make = MAKERS.get(known)
  if (make !== undefined) return make(text, known)
  return isRetriable(known) ? new RetriableException(text, { code: known }) : new ApiException(text, { code: known })
}

/** Whether an error code tells that metadata is stale (Java: its exception is an `InvalidMetadataException`). */
export function isInvalidMetadataCode(code: number): boolean {
  return MAKERS.get(errorCodeOf(code)) === invalidMetadata
}

/** `NOT_LEADER_OR_FOLLOWER` → `NotLeaderOrFollowerException`. */
function exceptionName(code: ErrorCode): string {
  const words = errorName(code).toLowerCase().split('_')
  const name = words.map(word => word.charAt(0).toUpperCase() + word.slice(1)).join('')
  return name.endsWith('Exception') ? name : `${name}Exception`
}
