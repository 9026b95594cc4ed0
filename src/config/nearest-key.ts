/** Keys further away than this are no hint. */
const MAX_DISTANCE = 4
/** Longer keys than this are not compared: Kafka has none. */
const MAX_KEY_LENGTH = 100

/** The known key that was most likely meant; undefined when none is near. */
export function nearestKey(key: string, known: Iterable<string>): string | undefined {
  if (key.length > MAX_KEY_LENGTH) return undefined
  const limit = Math.min(MAX_DISTANCE, Math.floor(key.length / 3))
  let nearest: string | undefined
  let nearestDistance = limit + 1
  for (const candidate of known) {
    if (Math.abs(candidate.length - key.length) >= nearestDistance) continue
    const distance = editDistance(key, candidate)
    if (distance < nearestDistance) {
      nearest = candidate
      nearestDistance = distance
    }
  }
  return nearest
}

/** Insertions, deletions and replacements that make one text the other (Levenshtein). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const replace = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      current.push(Math.min(replace, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}
