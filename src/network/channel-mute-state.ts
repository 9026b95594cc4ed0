/**
 * Why a channel is not read from. A request's arrival mutes its channel; only the plain `MUTED` state may be unmuted, that
 * is when neither a response nor the end of a throttle is awaited (Kafka's KafkaChannel.ChannelMuteState).
 */
export type ChannelMuteState =
  | 'NOT_MUTED'
  | 'MUTED'
  | 'MUTED_AND_RESPONSE_PENDING'
  | 'MUTED_AND_THROTTLED'
  | 'MUTED_AND_THROTTLED_AND_RESPONSE_PENDING'

export type ChannelMuteEvent = 'REQUEST_RECEIVED' | 'RESPONSE_SENT' | 'THROTTLE_STARTED' | 'THROTTLE_ENDED'

/** An event came that cannot come in this state: the network layer itself is wrong. */
export class IllegalMuteTransitionError extends Error {
  override readonly name = 'IllegalMuteTransitionError'
  readonly state: ChannelMuteState
  readonly event: ChannelMuteEvent

  constructor(state: ChannelMuteState, event: ChannelMuteEvent) {
    super(`channel in state ${state} cannot take ${event}`)
    this.state = state
    this.event = event
  }
}

type Transitions = { readonly [S in ChannelMuteState]: { readonly [E in ChannelMuteEvent]?: ChannelMuteState } }

const TRANSITIONS: Transitions = {
  NOT_MUTED: {},
  MUTED: { REQUEST_RECEIVED: 'MUTED_AND_RESPONSE_PENDING' },
  MUTED_AND_RESPONSE_PENDING: { RESPONSE_SENT: 'MUTED', THROTTLE_STARTED: 'MUTED_AND_THROTTLED_AND_RESPONSE_PENDING' },
  MUTED_AND_THROTTLED: { THROTTLE_ENDED: 'MUTED' },
  MUTED_AND_THROTTLED_AND_RESPONSE_PENDING: {
    RESPONSE_SENT: 'MUTED_AND_THROTTLED',
    THROTTLE_ENDED: 'MUTED_AND_RESPONSE_PENDING',
  },
}

/** The state after `event`. Throws `IllegalMuteTransitionError`. */
export function nextMuteState(state: ChannelMuteState, event: ChannelMuteEvent): ChannelMuteState {
  const next = TRANSITIONS[state][event]
  if (next === undefined) throw new IllegalMuteTransitionError(state, event)
  return next
}
