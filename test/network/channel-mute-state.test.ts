import { expect, test } from 'vitest'
import {
  type ChannelMuteEvent,
  type ChannelMuteState,
  IllegalMuteTransitionError,
  nextMuteState,
} from '../../src/network/channel-mute-state.ts'

const EVENTS: ChannelMuteEvent[] = ['REQUEST_RECEIVED', 'RESPONSE_SENT', 'THROTTLE_STARTED', 'THROTTLE_ENDED']

const LEGAL: [ChannelMuteState, ChannelMuteEvent, ChannelMuteState][] = [
  ['MUTED', 'REQUEST_RECEIVED', 'MUTED_AND_RESPONSE_PENDING'],
  ['MUTED_AND_RESPONSE_PENDING', 'RESPONSE_SENT', 'MUTED'],
  ['MUTED_AND_RESPONSE_PENDING', 'THROTTLE_STARTED', 'MUTED_AND_THROTTLED_AND_RESPONSE_PENDING'],
  ['MUTED_AND_THROTTLED', 'THROTTLE_ENDED', 'MUTED'],
  ['MUTED_AND_THROTTLED_AND_RESPONSE_PENDING', 'RESPONSE_SENT', 'MUTED_AND_THROTTLED'],
  ['MUTED_AND_THROTTLED_AND_RESPONSE_PENDING', 'THROTTLE_ENDED', 'MUTED_AND_RESPONSE_PENDING'],
]

test.each(LEGAL)('%s takes %s and becomes %s', (state, event, next) => {
  expect(nextMuteState(state, event)).toBe(next)
})

test('every other transition throws and names state and event', () => {
  const states: ChannelMuteState[] = [
    'NOT_MUTED',
    'MUTED',
    'MUTED_AND_RESPONSE_PENDING',
    'MUTED_AND_THROTTLED',
    'MUTED_AND_THROTTLED_AND_RESPONSE_PENDING',
  ]
  let illegal = 0
  for (const state of states) {
    for (const event of EVENTS) {
      if (LEGAL.some(([from, on]) => from === state && on === event)) continue
      illegal++
      expect(() => nextMuteState(state, event)).toThrow(IllegalMuteTransitionError)
    }
  }
  expect(illegal).toBe(14)
})
