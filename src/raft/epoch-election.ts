/** The votes of one election, or pre-vote, as they come in (Kafka's EpochElection). */
export class EpochElection {
  readonly #votes: Map<number, boolean | undefined>

  constructor(voterIds: readonly number[]) {
    this.#votes = new Map(voterIds.map(id => [id, undefined]))
  }

  /** A later word of the same voter replaces the earlier one. Ids that are no voters are ignored. */
  record(voterId: number, granted: boolean): void {
    if (this.#votes.has(voterId)) this.#votes.set(voterId, granted)
  }

  get isGranted(): boolean {
    return this.#count(true) >= this.#majority
  }

  /** Whether those who have not answered yet cannot make a majority any more. */
  get isRejected(): boolean {
    return this.#votes.size - this.#count(false) < this.#majority
  }

  get unrecorded(): number[] {
    return [...this.#votes].filter(([, vote]) => vote === undefined).map(([id]) => id)
  }

  get granting(): number[] {
    return [...this.#votes].filter(([, vote]) => vote === true).map(([id]) => id)
  }

  get #majority(): number {
    return Math.floor(this.#votes.size / 2) + 1
  }

  #count(vote: boolean): number {
    let count = 0
    for (const recorded of this.#votes.values()) if (recorded === vote) count++
    return count
  }
}
