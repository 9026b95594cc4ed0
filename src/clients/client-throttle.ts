/**
 * The first version of each API whose answers a broker gives before it throttles, so that the client must keep quiet itself
 * (KIP-219; `shouldClientThrottle` of the responses). APIs that are not named here never ask for it.
 */
const THROTTLES_SINCE: ReadonlyMap<number, number> = new Map([
  [0, 6], // Produce
  [1, 8], // Fetch
  [2, 3], // ListOffsets
  [3, 6], // Metadata
  [8, 4], // OffsetCommit
  [9, 4], // OffsetFetch
  [10, 2], // FindCoordinator
  [11, 3], // JoinGroup
  [12, 2], // Heartbeat
  [13, 2], // LeaveGroup
  [14, 2], // SyncGroup
  [15, 2], // DescribeGroups
  [16, 2], // ListGroups
  [18, 2], // ApiVersions
  [19, 3], // CreateTopics
  [20, 2], // DeleteTopics
  [21, 1], // DeleteRecords
  [22, 1], // InitProducerId
  [24, 1], // AddPartitionsToTxn
  [25, 1], // AddOffsetsToTxn
  [26, 1], // EndTxn
  [28, 1], // TxnOffsetCommit
  [32, 2], // DescribeConfigs
  [33, 1], // AlterConfigs
  [37, 1], // CreatePartitions
  [42, 1], // DeleteGroups
  [44, 0], // IncrementalAlterConfigs
])

/** Whether the throttle time in an answer means that the client is to wait before it sends more. */
export function throttlesClient(apiKey: number, version: number): boolean {
  const since = THROTTLES_SINCE.get(apiKey)
  return since !== undefined && version >= since
}
