import { decodeSubscription } from '../../../protocol/consumer-protocol.ts'
import { ProtocolError } from '../../../protocol/protocol-error.ts'
import type { ClassicGroup } from './classic-group.ts'

/** The topics that the members of a group of consumers read; undefined: not known, of another type or not readable. */
export function computeSubscribedTopics(group: ClassicGroup): ReadonlySet<string> | undefined {
  const { protocolName } = group
  if (!group.usesConsumerGroupProtocol) return undefined
  if (group.numMembers === 0) return new Set()
  if (protocolName === undefined) return undefined
  try {
    // The first version is how every one begins, and its topics are all that is wanted.
    return new Set(group.members.flatMap(member => decodeSubscription(member.metadata(protocolName), 0).topics))
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
