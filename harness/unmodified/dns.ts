import dns from 'node:dns'
import dnsPromises from 'node:dns/promises'
import type { ExecutionContext } from '../world/context.ts'
import { here, soon } from './here.ts'

const realLookup = dns.lookup
const realLookupPromise = dnsPromises.lookup

interface Found {
  readonly address: string
  readonly family: number
}

function resolve(place: ExecutionContext, hostname: string): Found | Error {
  const host = place.process?.host
  const found = host === undefined ? place.world.hosts.get(hostname) : place.world.network.resolve(host, hostname)
  if (found !== undefined && typeof found !== 'string') return { address: found.ip, family: 4 }
  const code = found ?? 'ENOTFOUND'
  return Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), {
    code,
    errno: code === 'EAI_AGAIN' ? -3001 : -3008,
    syscall: 'getaddrinfo',
    hostname,
  })
}

function wantsAll(options: unknown): boolean {
  return typeof options === 'object' && options !== null && (options as { all?: boolean }).all === true
}

function lookup(hostname: string, ...rest: unknown[]): unknown {
  const place = here()
  if (place === undefined) return Reflect.apply(realLookup, dns, [hostname, ...rest])
  const callback = rest.pop() as (error: Error | null, address?: string | Found[], family?: number) => void
  const found = resolve(place, hostname)
  soon(place, () => {
    if (found instanceof Error) callback(found)
    else if (wantsAll(rest[0])) callback(null, [found])
    else callback(null, found.address, found.family)
  })
  return {}
}

async function lookupPromise(hostname: string, options?: unknown): Promise<unknown> {
  const place = here()
  if (place === undefined) return Reflect.apply(realLookupPromise, dnsPromises, [hostname, options])
  const found = resolve(place, hostname)
  await new Promise<void>(answered => soon(place, answered))
  if (found instanceof Error) throw found
  return wantsAll(options) ? [found] : found
}

/** Puts the simulated name service behind `dns.lookup`. */
export function installDns(): void {
  Object.assign(dns, { lookup })
  Object.assign(dnsPromises, { lookup: lookupPromise })
}
