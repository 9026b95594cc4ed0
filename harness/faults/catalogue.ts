import type { FaultName } from '../trial/scenario.ts'
import { killClient, pauseClient, zombie } from './clients.ts'
import { blackhole, disconnect, fullSendBuffer, halfClose, refuse, stallReader } from './connections.ts'
import { bitRot, fsyncError, fullDisk, slowDisk, wipeDisk } from './disks.ts'
import { errorResponse } from './error-response.ts'
import type { FaultKind } from './fault-kind.ts'
import { moveLeader, reassign } from './leadership.ts'
import { clockDrift, clockJump, slowCpu } from './machines.ts'
import { controllerPartition, partition } from './partitions.ts'
import { fragment, slowLink } from './paths.ts'
import { controlledShutdown, crashLeader, kill, pause, powerLoss, restart, rollingRestart } from './processes.ts'
import { fullProducerBuffer } from './producer-buffer.ts'
import { fullConnectionQueue, fullRequestQueue } from './queues.ts'
import { delayResponse, loseAlterPartition, loseResponse } from './responses.ts'

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
  'error-response': errorResponse,
  'full-request-queue': fullRequestQueue,
  'full-connection-queue': fullConnectionQueue,
  'full-send-buffer': fullSendBuffer,
  'full-producer-buffer': fullProducerBuffer,
  'slow-disk': slowDisk,
  'full-disk': fullDisk,
  partition,
  'controller-partition': controllerPartition,
  'crash-leader': crashLeader,
  'move-leader': moveLeader,
  reassign,
  'controlled-shutdown': controlledShutdown,
  'rolling-restart': rollingRestart,
  'lose-alter-partition': loseAlterPartition,
  'clock-drift': clockDrift,
  'fsync-error': fsyncError,
  'bit-rot': bitRot,
  'wipe-disk': wipeDisk,
  'pause-client': pauseClient,
  'kill-client': killClient,
  zombie,
}
