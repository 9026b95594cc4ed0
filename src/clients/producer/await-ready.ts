import type { Runtime } from '../../runtime/runtime.ts'
import { clientTimeMs } from '../client-time.ts'
import type { KafkaClient } from '../kafka-client.ts'
import type { Node } from '../node.ts'

/**
 * Polls until a node can be sent to (NetworkClientUtils.awaitReady): false when it cannot be connected to, the time is over or
 * nobody wants it any more.
 */
export async function awaitReady(
  runtime: Runtime,
  client: KafkaClient,
  node: Node,
  timeoutMs: number,
  givesUp: () => boolean,
): Promise<boolean> {
  const startMs = clientTimeMs(runtime)
  if (client.ready(node, startMs)) return true
  let nowMs = startMs
  while (!client.isReady(node, nowMs) && nowMs - startMs < timeoutMs) {
    if (client.connectionFailed(node) || givesUp()) return false
    await client.poll(timeoutMs - (nowMs - startMs))
    nowMs = clientTimeMs(runtime)
  }
  return client.isReady(node, nowMs)
}
