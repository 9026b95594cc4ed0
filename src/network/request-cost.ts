/**
 * What requests cost in processor time, so that on the virtual clock queues fill and threads are busy as on a real machine.
 * Orders of magnitude of a current server, not measurements: what matters is that work takes time and large work more.
 */

const PARSE_BASE_US = 30
const PARSE_PER_KB_US = 1
const DEFAULT_HANDLE_US = 50
const HANDLE_PER_KB_US = 1

/** Handler time by API key where it differs from the default. */
const HANDLE_BASE_US: ReadonlyMap<number, number> = new Map([
  [0, 150], // Produce: validation, append
  [1, 100], // Fetch: session, log reads
  [3, 80], // Metadata
  [19, 150], // CreateTopics
  [20, 150], // DeleteTopics
  [37, 150], // CreatePartitions
])

/** Microseconds for reading and decoding a request of `bytes` in a processor. */
export function parseCostUs(bytes: number): number {
  return PARSE_BASE_US + (bytes / 1024) * PARSE_PER_KB_US
}

/** Microseconds for handling a request of `bytes` in a request handler. */
export function handleCostUs(apiKey: number, bytes: number): number {
  return (HANDLE_BASE_US.get(apiKey) ?? DEFAULT_HANDLE_US) + (bytes / 1024) * HANDLE_PER_KB_US
}
