/** What the process that serves a cluster tells a node's process. */
export type NodeOrder =
  | {
      readonly type: 'start'
      readonly nodeId: number
      readonly properties: readonly (readonly [key: string, value: string])[]
      readonly dataDirectory: string
      readonly clusterId: string
      readonly refusedPorts: readonly number[]
    }
  /** The broker hands over its leaderships and stops; its controller goes on. */
  | { readonly type: 'stop-broker' }
  | { readonly type: 'stop' }
  /** Ports of other nodes that cannot be reached from now on. */
  | { readonly type: 'refuse'; readonly ports: readonly number[] }

/** What a node's process tells back. */
export type NodeReport =
  | { readonly type: 'started' }
  | { readonly type: 'broker-stopped' }
  | { readonly type: 'failed'; readonly message: string; readonly usage: boolean }
