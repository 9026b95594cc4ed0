import { UnregisterBroker } from '../../protocol/apis/unregister-broker.ts'
import { forwardedHandler } from './forwarded.ts'

export const unregisterBrokerHandler = forwardedHandler(UnregisterBroker, (_body, error) => error)
