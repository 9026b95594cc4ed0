import { type Address, NetworkError, type NetworkErrorCode } from '../network.ts'

/** The operating system's names for failures, as the names that `NetworkError` knows. */
const CODES: ReadonlyMap<string, NetworkErrorCode> = new Map<string, NetworkErrorCode>([
  ['EADDRINUSE', 'EADDRINUSE'],
  ['EADDRNOTAVAIL', 'EADDRNOTAVAIL'],
  ['ECONNREFUSED', 'ECONNREFUSED'],
  ['ECONNRESET', 'ECONNRESET'],
  ['ECONNABORTED', 'ECONNRESET'],
  ['EPIPE', 'EPIPE'],
  ['ETIMEDOUT', 'ETIMEDOUT'],
  ['EHOSTUNREACH', 'EHOSTUNREACH'],
  ['ENETUNREACH', 'EHOSTUNREACH'],
  ['ENOTFOUND', 'ENOTFOUND'],
  ['EAI_AGAIN', 'EAI_AGAIN'],
])

/** What a failure without a name of its own comes nearest to, by operation. */
const FALLBACK = { listen: 'EADDRNOTAVAIL', connect: 'EHOSTUNREACH', transfer: 'ECONNRESET' } as const

/** A failure of `node:net` as a `NetworkError` that keeps it as its cause. */
export function networkErrorFrom(cause: unknown, operation: keyof typeof FALLBACK, address: Address): NetworkError {
  const code = cause instanceof Error && 'code' in cause ? CODES.get(String(cause.code)) : undefined
  return new NetworkError(code ?? FALLBACK[operation], operation, address, { cause })
}
