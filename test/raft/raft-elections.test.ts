import { describe, expect, test } from 'vitest'
import { BeginQuorumEpoch } from '../../src/protocol/apis/begin-quorum-epoch.ts'
import { EndQuorumEpoch } from '../../src/protocol/apis/end-quorum-epoch.ts'
import { Fetch } from '../../src/protocol/apis/fetch.ts'
import { Vote } from '../../src/protocol/apis/vote.ts'
import { METADATA_TOPIC_ID, ZERO_UUID } from '../../src/protocol/uuid.ts'
import { KafkaRaftClient } from '../../src/raft/kafka-raft-client.ts'
import { type ElectionState, QuorumStateStore } from '../../src/raft/quorum-state-store.ts'
import type { RaftTransport } from '../../src/raft/raft-transport.ts'
import { createManualRuntime, type ManualRuntime } from '../support/manual-runtime.ts'
import { stringSerde } from './recorder.ts'

const TOPIC = '__cluster_metadata'
const METADATA_DIRECTORY = 'data/__cluster_metadata-0'
const LEADER = 2
const OTHER = 3
const EPOCH = 5

interface Sent {
  readonly atMs: number
  readonly name: string
  readonly preVote: boolean
}

interface SentBody {
  readonly topics: readonly { readonly partitions: readonly SentPartition[] }[]
}

interface SentPartition {
  readonly preVote?: boolean
  readonly replicaEpoch?: number
  readonly currentLeaderEpoch?: number
}

/** Voter 1 of three; what it sends is answered by `answer`, or never. */
async function voter(
  answer: (name: string, preVote: boolean, epoch: number) => object | undefined,
  stored?: ElectionState,
) {
  const runtime: ManualRuntime = createManualRuntime()
  await runtime.disk.makeDirectory('data')
  if (stored !== undefined) {
    await runtime.disk.makeDirectory(METADATA_DIRECTORY)
    await new QuorumStateStore(runtime, METADATA_DIRECTORY).write(stored)
  }
  const sent: Sent[] = []
  const transport = {
    send: (_: unknown, { name }: { readonly name: string }, body: SentBody) => {
      const { preVote = false, replicaEpoch, currentLeaderEpoch } = body.topics[0]?.partitions[0] ?? {}
      sent.push({ atMs: runtime.clock.monotonicMs(), name, preVote })
      const answered = answer(name, preVote, replicaEpoch ?? currentLeaderEpoch ?? -1)
      return answered === undefined ? new Promise(() => {}) : Promise.resolve(answered)
    },
    close: () => {},
  }
  const faults: unknown[] = []
  const votes: (readonly [epoch: number, candidateId: number])[] = []
  const client = new KafkaRaftClient(runtime, {
    nodeId: 1,
    clusterId: 'a-cluster',
    voters: [1, LEADER, OTHER].map(id => ({ id, host: `node-${id}`, port: 9093 })),
    logDirectory: 'data',
    serde: stringSerde,
    onFault: error => faults.push(error),
    observer: { onVoteGranted: (epoch, candidateId) => votes.push([epoch, candidateId]) },
    electionTimeoutMs: 1000,
    fetchTimeoutMs: 2000,
    electionBackoffMaxMs: 1000,
    requestTimeoutMs: 60_000,
    retryBackoffMs: 20,
    appendLingerMs: 25,
    transport: transport as unknown as RaftTransport,
  })
  await client.start()
  await runtime.settle()
  return { runtime, client, sent, faults, votes }
}

/** Begins to follow, and has fetched once, when the transport answers a fetch. */
async function follow({ runtime, client }: Awaited<ReturnType<typeof voter>>): Promise<void> {
  const partition = { partitionIndex: 0, voterDirectoryId: ZERO_UUID, leaderId: LEADER, leaderEpoch: EPOCH }
  const topics = [{ topicName: TOPIC, partitions: [partition] }]
  await client.handleRequest(BeginQuorumEpoch, 1, { clusterId: null, voterId: 1, topics, leaderEndpoints: [] })
  await runtime.settle()
}

async function endQuorumEpoch(client: KafkaRaftClient<string>): Promise<void> {
  const preferredCandidates = [OTHER, 1].map(candidateId => ({ candidateId, candidateDirectoryId: ZERO_UUID }))
  const partition = {
    partitionIndex: 0,
    leaderId: LEADER,
    leaderEpoch: EPOCH,
    preferredSuccessors: [],
    preferredCandidates,
  }
  const topics = [{ topicName: TOPIC, partitions: [partition] }]
  await client.handleRequest(EndQuorumEpoch, 1, { clusterId: null, topics, leaderEndpoints: [] })
}

async function grantsPreVote(client: KafkaRaftClient<string>): Promise<boolean | undefined> {
  const partition = {
    partitionIndex: 0,
    replicaEpoch: EPOCH,
    replicaId: OTHER,
    replicaDirectoryId: ZERO_UUID,
    voterDirectoryId: ZERO_UUID,
    lastOffsetEpoch: EPOCH,
    lastOffset: 100,
    preVote: true,
  }
  const topics = [{ topicName: TOPIC, partitions: [partition] }]
  const answer = await client.handleRequest(Vote, 2, { clusterId: null, voterId: 1, topics })
  return answer.topics[0]?.partitions[0]?.voteGranted
}

function emptyFetch(): object {
  const partition = {
    partitionIndex: 0,
    errorCode: 0,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: 0,
    divergingEpoch: { epoch: -1, endOffset: -1 },
    currentLeader: { leaderId: LEADER, leaderEpoch: EPOCH },
    snapshotId: { endOffset: -1, epoch: -1 },
    records: null,
  }
  return { errorCode: 0, responses: [{ topicId: METADATA_TOPIC_ID, partitions: [partition] }] }
}

/** Answers the first fetch only: the next one waits for news. */
function oneFetch(): (name: string, preVote: boolean, epoch: number) => object | undefined {
  let answered = false
  return (name, _, epoch) => {
    if (name !== Fetch.name || epoch !== EPOCH || answered) return undefined
    answered = true
    return emptyFetch()
  }
}

describe('elections, as one voter sees them', () => {
  test('a candidate that has lost waits for the end of its election timeout before it asks again', async () => {
    const { runtime, sent, faults } = await voter((name, preVote, leaderEpoch) => {
      if (name !== Vote.name) return undefined
      const partition = { partitionIndex: 0, errorCode: 0, leaderId: -1, leaderEpoch, voteGranted: preVote }
      return { errorCode: 0, topics: [{ topicName: TOPIC, partitions: [partition] }] }
    })

    for (let step = 0; step < 40; step++) await runtime.advance(100)

    const votes = sent.filter(({ name }) => name === Vote.name)
    const lost = votes.findIndex(({ preVote }) => !preVote)
    const again = votes.slice(lost).find(({ preVote }) => preVote)
    expect(lost).toBeGreaterThan(-1)
    expect((again?.atMs ?? 0) - (votes[lost]?.atMs ?? 0)).toBeGreaterThanOrEqual(1000)
    expect(faults).toEqual([])
  })

  test('a follower whose leader resigns refuses pre-votes until it is its own turn to ask', async () => {
    const node = await voter(oneFetch())
    await follow(node)

    await endQuorumEpoch(node.client)
    expect(await grantsPreVote(node.client)).toBe(false)

    await node.runtime.advance(500)
    expect(node.sent.at(-1)).toMatchObject({ name: Vote.name, preVote: true })
    expect(await grantsPreVote(node.client)).toBe(true)
  })

  test('who doubts its leader does not follow it again because the leader says that it leads', async () => {
    const node = await voter(oneFetch())
    await follow(node)
    await node.runtime.advance(2000)
    expect(node.sent.at(-1)).toMatchObject({ name: Vote.name, preVote: true })
    const before = node.sent.length

    await follow(node)

    expect(node.sent.slice(before)).toEqual([])
  })

  test('who ended as a candidate is one again and holds the vote for itself, which its observer hears', async () => {
    const stored = { leaderId: -1, leaderEpoch: EPOCH, votedId: 1, voters: [1, LEADER, OTHER] }
    const node = await voter((name, _, leaderEpoch) => {
      if (name !== Vote.name) return undefined
      const partition = { partitionIndex: 0, errorCode: 0, leaderId: -1, leaderEpoch, voteGranted: true }
      return { errorCode: 0, topics: [{ topicName: TOPIC, partitions: [partition] }] }
    }, stored)

    expect(node.client.leaderAndEpoch).toEqual({ leaderId: 1, epoch: EPOCH })
    expect(node.votes).toEqual([[EPOCH, 1]])
  })
})
