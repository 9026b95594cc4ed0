const MAX_SEQUENCE = 2_147_483_647

/** The sequence number `increment` (≥ 0) after `sequence`; 2^31 − 1 is followed by 0. */
export function incrementSequence(sequence: number, increment: number): number {
  const sum = sequence + increment
  return sum > MAX_SEQUENCE ? sum - MAX_SEQUENCE - 1 : sum
}

/** The sequence number `decrement` (≥ 0) before `sequence`; 0 follows 2^31 − 1. */
export function decrementSequence(sequence: number, decrement: number): number {
  return sequence < decrement ? MAX_SEQUENCE - (decrement - sequence) + 1 : sequence - decrement
}
