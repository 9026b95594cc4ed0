import { describe, expect, it } from 'vitest'
import { API_BY_KEY } from '../../../src/protocol/apis/index.ts'

describe('API_BY_KEY', () => {
  it('has the APIs and version ranges of Kafka 4.2', () => {
    const table = [...API_BY_KEY].map(([key, api]) => [
      key,
      api.name,
      ...api.versions,
      ...api.advertise,
      api.flexibleSince,
    ])

    expect(table).toEqual([
      [0, 'Produce', 3, 13, 0, 13, 9],
      [1, 'Fetch', 4, 18, 4, 18, 12],
      [2, 'ListOffsets', 1, 11, 1, 11, 6],
      [3, 'Metadata', 0, 13, 0, 13, 9],
      [8, 'OffsetCommit', 2, 10, 2, 10, 8],
      [9, 'OffsetFetch', 1, 10, 1, 10, 6],
      [10, 'FindCoordinator', 0, 6, 0, 6, 3],
      [11, 'JoinGroup', 0, 9, 0, 9, 6],
      [12, 'Heartbeat', 0, 4, 0, 4, 4],
      [13, 'LeaveGroup', 0, 5, 0, 5, 4],
      [14, 'SyncGroup', 0, 5, 0, 5, 4],
      [15, 'DescribeGroups', 0, 6, 0, 6, 5],
      [16, 'ListGroups', 0, 5, 0, 5, 3],
      [18, 'ApiVersions', 0, 4, 0, 4, 3],
      [19, 'CreateTopics', 2, 7, 2, 7, 5],
      [20, 'DeleteTopics', 1, 6, 1, 6, 4],
      [21, 'DeleteRecords', 0, 2, 0, 2, 2],
      [22, 'InitProducerId', 0, 5, 0, 5, 2],
      [23, 'OffsetForLeaderEpoch', 2, 4, 2, 4, 4],
      [32, 'DescribeConfigs', 1, 4, 1, 4, 4],
      [33, 'AlterConfigs', 0, 2, 0, 2, 2],
      [37, 'CreatePartitions', 0, 3, 0, 3, 2],
      [42, 'DeleteGroups', 0, 2, 0, 2, 2],
      [43, 'ElectLeaders', 0, 2, 0, 2, 2],
      [44, 'IncrementalAlterConfigs', 0, 1, 0, 1, 1],
      [45, 'AlterPartitionReassignments', 0, 1, 0, 1, 0],
      [46, 'ListPartitionReassignments', 0, 0, 0, 0, 0],
      [47, 'OffsetDelete', 0, 0, 0, 0, null],
      [52, 'Vote', 0, 2, 0, 2, 0],
      [53, 'BeginQuorumEpoch', 0, 1, 0, 1, 1],
      [54, 'EndQuorumEpoch', 0, 1, 0, 1, 1],
      [55, 'DescribeQuorum', 0, 2, 0, 2, 0],
      [56, 'AlterPartition', 2, 3, 2, 3, 0],
      [57, 'UpdateFeatures', 0, 2, 0, 2, 0],
      [58, 'Envelope', 0, 0, 0, 0, 0],
      [59, 'FetchSnapshot', 0, 1, 0, 1, 0],
      [60, 'DescribeCluster', 0, 2, 0, 2, 0],
      [62, 'BrokerRegistration', 0, 4, 0, 4, 0],
      [63, 'BrokerHeartbeat', 0, 1, 0, 1, 0],
      [64, 'UnregisterBroker', 0, 0, 0, 0, 0],
      [67, 'AllocateProducerIds', 0, 0, 0, 0, 0],
      [68, 'ConsumerGroupHeartbeat', 0, 1, 0, 1, 0],
      [69, 'ConsumerGroupDescribe', 0, 1, 0, 1, 0],
      [73, 'AssignReplicasToDirs', 0, 0, 0, 0, 0],
    ])
  })
})
