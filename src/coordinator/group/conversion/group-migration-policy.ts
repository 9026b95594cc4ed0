/** `group.consumer.migration.policy`: which conversions of groups that have members are allowed (KIP-848). */
export type GroupMigrationPolicy = 'bidirectional' | 'upgrade' | 'downgrade' | 'disabled'

/** All of them (Kafka's ConsumerGroupMigrationPolicy). */
export const GROUP_MIGRATION_POLICIES: readonly GroupMigrationPolicy[] = [
  'bidirectional',
  'upgrade',
  'downgrade',
  'disabled',
]

/** Whether a classic group becomes a consumer group when a member of the consumer protocol joins. */
export function isUpgradeEnabled(policy: GroupMigrationPolicy): boolean {
  return policy === 'bidirectional' || policy === 'upgrade'
}

/** Whether a consumer group becomes a classic group when its last member of the consumer protocol leaves. */
export function isDowngradeEnabled(policy: GroupMigrationPolicy): boolean {
  return policy === 'bidirectional' || policy === 'downgrade'
}
