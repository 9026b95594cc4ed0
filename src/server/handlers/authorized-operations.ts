/** Kafka's numbers of what one may be allowed to do with a resource (AclOperation). */
const READ = 3
const WRITE = 4
const CREATE = 5
const DELETE = 6
const ALTER = 7
const DESCRIBE = 8
const CLUSTER_ACTION = 9
const DESCRIBE_CONFIGS = 10
const ALTER_CONFIGS = 11
const IDEMPOTENT_WRITE = 12

/** What a client may do with a topic, one bit an operation (KIP-430): without an authorizer, all that there is. */
export const AUTHORIZED_TOPIC_OPERATIONS = bitField([
  READ,
  WRITE,
  CREATE,
  DELETE,
  ALTER,
  DESCRIBE,
  DESCRIBE_CONFIGS,
  ALTER_CONFIGS,
])

/** What a client may do with the cluster, in the same form. */
export const AUTHORIZED_CLUSTER_OPERATIONS = bitField([
  CREATE,
  ALTER,
  DESCRIBE,
  CLUSTER_ACTION,
  DESCRIBE_CONFIGS,
  ALTER_CONFIGS,
  IDEMPOTENT_WRITE,
])

/** What a client may do with a group, in the same form. */
export const AUTHORIZED_GROUP_OPERATIONS = bitField([READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS])

function bitField(operations: readonly number[]): number {
  return operations.reduce((bits, operation) => bits | (1 << operation), 0)
}
