/**
 * A uniform whole number in [low, high], both included, from a source of uniform fractions. `draw` must give 53 random
 * bits for a span above 2^16; below, 32 are enough.
 */
export function drawInt(draw: () => number, low: number, high: number): number {
  const span = high - low + 1
  if (!Number.isSafeInteger(low) || !Number.isSafeInteger(high) || span < 1 || span > Number.MAX_SAFE_INTEGER) {
    throw new RangeError(`a draw needs whole numbers low ≤ high, less than 2^53 apart, not [${low}, ${high}]`)
  }
  return low + Math.floor(draw() * span)
}
