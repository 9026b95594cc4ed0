/** From this many taken items on, their places are given back once they are the larger half. */
const MIN_GAP = 32

/**
 * A first-in first-out list that may grow long: taking the oldest item costs the same however many there are, where an
 * array moves all others. Whoever owns it bounds it.
 */
export class Fifo<T> {
  #items: (T | undefined)[] = []
  /** Where the oldest item is. */
  #first = 0

  get size(): number {
    return this.#items.length - this.#first
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** Takes the oldest item; undefined when there is none. */
  shift(): T | undefined {
    if (this.#first === this.#items.length) return undefined
    const item = this.#items[this.#first]
    this.#items[this.#first++] = undefined
    if (this.#first === this.#items.length) {
      this.#items.length = 0
      this.#first = 0
    } else if (this.#first >= MIN_GAP && this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first)
      this.#first = 0
    }
    return item
  }
}
