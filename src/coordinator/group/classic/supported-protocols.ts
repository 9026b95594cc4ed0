import type { ClassicGroupMember, JoinGroupProtocol } from './classic-group-member.ts'

/** The names of the protocols, each once. */
export function protocolNames(protocols: readonly JoinGroupProtocol[]): ReadonlySet<string> {
  return new Set(protocols.map(({ name }) => name))
}

/** Which protocols the members of a group offer. Only one that all of them offer can be chosen. */
export class SupportedProtocols {
  /** How many members offer a protocol. */
  readonly #counts = new Map<string, number>()

  add(protocols: readonly JoinGroupProtocol[]): void {
    this.#count(protocols, 1)
  }

  remove(protocols: readonly JoinGroupProtocol[]): void {
    this.#count(protocols, -1)
  }

  /** The names that all of `members` members offer. */
  candidates(members: number): ReadonlySet<string> {
    return new Set([...this.#counts].filter(([, count]) => count === members).map(([name]) => name))
  }

  /**
   * Lets each member vote for the candidate that it likes best; of the protocols with the most votes, the one that had its
   * first vote first. @throws RangeError when there are no members, or no protocol that all of them offer
   */
  select(members: readonly ClassicGroupMember[]): string {
    const candidates = this.candidates(members.length)
    const votes = new Map<string, number>()
    for (const member of members) {
      const name = member.vote(candidates)
      votes.set(name, (votes.get(name) ?? 0) + 1)
    }
    const most = Math.max(...votes.values())
    const selected = [...votes].find(([, count]) => count === most)
    if (selected === undefined) throw new RangeError('a group without members cannot select a protocol')
    return selected[0]
  }

  #count(protocols: readonly JoinGroupProtocol[], change: number): void {
    for (const name of protocolNames(protocols)) {
      const count = (this.#counts.get(name) ?? 0) + change
      if (count === 0) this.#counts.delete(name)
      else this.#counts.set(name, count)
    }
  }
}
