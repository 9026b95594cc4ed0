import { CoordinatorType, FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { exceptionFor, type KafkaError } from '../errors.ts'
import type { KeyOutcome } from './admin-api-driver.ts'
import type { AdminContext } from './admin-context.ts'

/** First version that asks for several coordinators at once. */
const FIRST_BATCHED_VERSION = 4

/** The brokers that coordinate these groups (Kafka's CoordinatorStrategy); those that are not there yet are left out. */
export async function lookUpCoordinators(
  context: AdminContext,
  groupIds: readonly string[],
  deadlineMs: number,
): Promise<ReadonlyMap<string, number | KafkaError>> {
  const { body, version } = await context.runnable.call(
    {
      name: 'findCoordinator',
      node: 'least-loaded',
      api: FindCoordinator,
      oldestVersion: FIRST_BATCHED_VERSION,
      body: () => ({ keyType: CoordinatorType.GROUP, coordinatorKeys: groupIds }),
    },
    deadlineMs,
  )
  const found = new Map<string, number | KafkaError>()
  for (const { key, nodeId, errorCode, errorMessage } of version >= FIRST_BATCHED_VERSION ? body.coordinators : []) {
    if (errorCode === ErrorCode.NONE) found.set(key, nodeId)
    else if (!isPassing(errorCode)) found.set(key, exceptionFor(errorCode, errorMessage))
  }
  return found
}

function isPassing(errorCode: number): boolean {
  return errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE || errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
}

/** What an error of a coordinator means for a group: it loads, it is another one, or it is final. */
export function coordinatorOutcome(errorCode: number, message?: string | null): KeyOutcome<never> {
  if (errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS) return 'retry'
  if (errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE || errorCode === ErrorCode.NOT_COORDINATOR) return 'unmap'
  return { error: exceptionFor(errorCode, message) }
}
