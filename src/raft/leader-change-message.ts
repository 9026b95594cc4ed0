import { MessageCodec } from '../protocol/message-codec.ts'
import { buildBatch } from '../protocol/records/build-batch.ts'
import { array, int16, int32, message } from '../protocol/schema.ts'

const CONTROL_RECORD_KEY_BYTES = 4
const LEADER_CHANGE_TYPE = 2

/** Says who leads from this offset on, who may vote, and who has voted for the leader. */
export const LeaderChangeMessage = message({
  version: int16(),
  leaderId: int32(),
  voters: array({ voterId: int32() }),
  grantingVoters: array({ voterId: int32() }),
})

export const leaderChangeCodec: MessageCodec<typeof LeaderChangeMessage> = new MessageCodec(LeaderChangeMessage, {
  name: 'LeaderChangeMessage',
  flexibleSince: 0,
})

export interface LeaderChangeOptions {
  readonly baseOffset: number
  readonly epoch: number
  readonly timestampMs: number
  readonly leaderId: number
  readonly voters: readonly number[]
  readonly grantingVoters: readonly number[]
}

/** The control batch with which a leader begins its epoch. */
export function leaderChangeBatch(options: LeaderChangeOptions): Buffer {
  const key = Buffer.alloc(CONTROL_RECORD_KEY_BYTES)
  key.writeInt16BE(LEADER_CHANGE_TYPE, 2)
  const value = leaderChangeCodec.encode(0, {
    version: 0,
    leaderId: options.leaderId,
    voters: options.voters.map(voterId => ({ voterId })),
    grantingVoters: options.grantingVoters.map(voterId => ({ voterId })),
  })
  return buildBatch({
    records: [{ key, value, timestamp: options.timestampMs }],
    baseOffset: options.baseOffset,
    partitionLeaderEpoch: options.epoch,
    isControl: true,
  })
}
