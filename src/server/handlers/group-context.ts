import type { GroupRequestContext } from '../../coordinator/group/classic/classic-group-joiner.ts'
import type { Request } from '../../network/request.ts'

/** What the group coordinator is told of where a request came from. */
export function groupContextOf({ header, context }: Request): GroupRequestContext {
  return {
    clientId: header.clientId ?? '',
    // As Java prints an address without a name.
    clientHost: `/${context.clientAddress}`,
    apiVersion: header.apiVersion,
  }
}
