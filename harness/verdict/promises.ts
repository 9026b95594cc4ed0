import { deliveryPromise } from './delivery-promises.ts'
import type { DocumentedPromise, PromiseContext } from './documented-promise.ts'
import type { JudgedName } from './guarantee-groups.ts'
import { producerPromise } from './producer-promises.ts'

/** What Kafka, and the clients, say about what is judged. */
export function promiseFor(judged: JudgedName, context: PromiseContext): DocumentedPromise {
  const { consumer } = context.configuration
  if (consumer !== undefined) return deliveryPromise(judged, context, consumer)
  switch (judged) {
    case 'loss':
    case 'duplicates':
    case 'order':
    case 'availability':
      return producerPromise(judged, context)
    default:
      throw new Error(`nobody reads: nothing is promised of ${judged}`)
  }
}
