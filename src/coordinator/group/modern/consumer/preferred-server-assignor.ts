import type { ConsumerGroupMember } from './consumer-group-member.ts'

/** The assignor that most members ask for; of several the one that is asked for first. Undefined: nobody asks for any. */
export function preferredServerAssignor(members: Iterable<ConsumerGroupMember>): string | undefined {
  const counts = new Map<string, number>()
  for (const { serverAssignor } of members) {
    if (serverAssignor !== null) counts.set(serverAssignor, (counts.get(serverAssignor) ?? 0) + 1)
  }
  let preferred: string | undefined
  let most = 0
  for (const [name, count] of counts) {
    if (count <= most) continue
    preferred = name
    most = count
  }
  return preferred
}
