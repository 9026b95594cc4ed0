/**
 * Faults of one kind can be in force on the same thing at the same time. What comes of them is decided anew whenever one
 * begins or ends: the end of one does not end the others, and the last one to end puts everything right.
 */
export class Overlaps<Owner extends object, Value = true> {
  readonly #active = new WeakMap<Owner, Value[]>()

  /**
   * Puts a fault in force.
   *
   * @param value the fault's strength, or `true`
   * @param apply makes the owner what the faults in force ask for; with none of them, what it normally is
   * @returns how to end the fault; to be called once
   */
  begin(owner: Owner, value: Value, apply: (active: readonly Value[]) => void): () => void {
    const active = this.#active.get(owner) ?? []
    this.#active.set(owner, active)
    active.push(value)
    apply(active)
    return () => {
      active.splice(active.indexOf(value), 1)
      apply(active)
    }
  }
}
