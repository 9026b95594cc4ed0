import type { FaultName } from '../trial/scenario.ts'
import { blackhole, disconnect, fullSendBuffer, halfClose, refuse, stallReader } from './connections.ts'
import type { FaultKind } from './fault-kind.ts'
import { clockJump, fullDisk, kill, pause, powerLoss, restart, slowCpu, slowDisk } from './machines.ts'
import { fragment, slowLink } from './paths.ts'
import { fullConnectionQueue, fullRequestQueue } from './queues.ts'
import { delayResponse, loseResponse } from './responses.ts'

/** Every kind of fault, by its name. */
export const FAULT_CATALOGUE: Readonly<Record<FaultName, FaultKind>> = {
  disconnect,
  'half-close': halfClose,
  blackhole,
  refuse,
  'slow-link': slowLink,
  fragment,
  'stall-reader': stallReader,
  kill,
  'power-loss': powerLoss,
  restart,
  pause,
  'slow-cpu': slowCpu,
  'clock-jump': clockJump,
  'lose-response': loseResponse,
  'delay-response': delayResponse,
  'full-request-queue': fullRequestQueue,
  'full-connection-queue': fullConnectionQueue,
  'full-send-buffer': fullSendBuffer,
  'slow-disk': slowDisk,
  'full-disk': fullDisk,
}
