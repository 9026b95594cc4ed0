/** How often each error code comes, for the metric ErrorsPerSec. */
export function errorCounts(results: readonly { readonly errorCode: number }[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const { errorCode } of results) counts.set(errorCode, (counts.get(errorCode) ?? 0) + 1)
  return counts
}
