/**
 * Says which member is to get the next partition and which to give one, so that all end up with equally many (Kafka's
 * UniformHeterogeneousAssignmentBuilder.MemberAssignmentBalancer). Members are numbers; `sizes` tells how many partitions each
 * has, and is kept by who asks.
 *
 * Members lie in the order of their sizes. The least loaded of them are a range at the front, the most loaded one a range at
 * the back; whoever is asked for goes through its range once and then raises (lowers) its level by one, upon which the range
 * takes in those who are on that level already. It is done when the levels are at most one apart.
 */
export class MemberAssignmentBalancer {
  readonly #sizes: readonly number[]
  #sorted: number[] = []
  /** The least loaded are before this. */
  #leastEnd = 0
  #leastLevel = -1
  #nextLeast = 0
  /** The most loaded are from here … */
  #mostStart = 0
  /** … to before this: who is beyond has nothing to give. */
  #mostEnd = 0
  #mostLevel = 1
  #nextMost = -1

  constructor(sizes: readonly number[]) {
    this.#sizes = sizes
  }

  /** Begins with other members, of whom there is at least one. Returns how much the most loaded has more than the least. */
  initialize(members: readonly number[]): number {
    this.#sorted = [...members].sort((first, second) => this.#sizeOf(first) - this.#sizeOf(second) || first - second)
    const least = this.#sizeOf(this.#sorted[0])
    const most = this.#sizeOf(this.#sorted.at(-1))
    this.#leastEnd = 0
    this.#leastLevel = least - 1
    this.#nextLeast = 0
    this.#mostStart = this.#sorted.length
    this.#mostEnd = this.#sorted.length
    this.#mostLevel = most + 1
    this.#nextMost = this.#sorted.length - 1
    return most - least
  }

  get isBalanced(): boolean {
    return this.#mostLevel - this.#leastLevel <= 1
  }

  /** Who is to get the next partition; taken to get it. */
  nextLeastLoadedMember(): number {
    if (this.#nextLeast >= this.#leastEnd) {
      this.#leastLevel += 1
      while (this.#leastEnd < this.#sorted.length && this.#sizeAt(this.#leastEnd) === this.#leastLevel)
        this.#leastEnd += 1
      this.#nextLeast = 0
    }
    const member = this.#memberAt(this.#nextLeast)
    this.#nextLeast += 1
    return member
  }

  /** Who is to give the next partition, taken to give it unless excluded; undefined: nobody is left. */
  nextMostLoadedMember(): number | undefined {
    if (this.#nextMost < this.#mostStart) {
      // When all of the range are excluded its level says nothing; go on from who is before them.
      const isVoid = this.#mostEnd <= this.#mostStart && this.#mostStart > 0
      this.#mostLevel = isVoid ? this.#sizeAt(this.#mostStart - 1) : this.#mostLevel - 1
      while (this.#mostStart > 0 && this.#sizeAt(this.#mostStart - 1) === this.#mostLevel) this.#mostStart -= 1
      this.#nextMost = this.#mostEnd - 1
    }
    if (this.#nextMost < 0) return undefined
    const member = this.#memberAt(this.#nextMost)
    this.#nextMost -= 1
    return member
  }

  /** The member that `nextMostLoadedMember` has just named has nothing to give. */
  excludeMostLoadedMember(): void {
    const position = this.#nextMost + 1
    const last = this.#mostEnd - 1
    const excluded = this.#memberAt(position)
    this.#sorted[position] = this.#memberAt(last)
    this.#sorted[last] = excluded
    this.#mostEnd = last
  }

  #memberAt(position: number): number {
    const member = this.#sorted[position]
    if (member === undefined) throw new RangeError(`no member at ${position} of ${this.#sorted.length}`)
    return member
  }

  #sizeAt(position: number): number {
    return this.#sizeOf(this.#memberAt(position))
  }

  #sizeOf(member: number | undefined): number {
    const size = member === undefined ? undefined : this.#sizes[member]
    if (size === undefined) throw new RangeError('there are no members to balance')
    return size
  }
}
