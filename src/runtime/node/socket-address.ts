import type { Socket } from 'node:net'
import type { Address } from '../network.ts'

const IPV4_IN_IPV6 = '::ffff:'

/** Both ends of a connected socket; undefined when the connection is gone already. */
export function addressesOf(socket: Socket): { readonly local: Address; readonly remote: Address } | undefined {
  const { localAddress, localPort, remoteAddress, remotePort } = socket
  if (localAddress === undefined || localPort === undefined) return undefined
  if (remoteAddress === undefined || remotePort === undefined) return undefined
  return {
    local: { host: plain(localAddress), port: localPort },
    remote: { host: plain(remoteAddress), port: remotePort },
  }
}

/** An IPv4 peer of an IPv6 socket under the address that it has, as quotas per address need it. */
function plain(host: string): string {
  return host.startsWith(IPV4_IN_IPV6) ? host.slice(IPV4_IN_IPV6.length) : host
}
