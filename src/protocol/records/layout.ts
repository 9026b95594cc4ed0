/**
 * Record batch v2 (KIP-98):
 *
 * ```
 * RecordBatch => baseOffset batchLength partitionLeaderEpoch magic crc attributes lastOffsetDelta baseTimestamp
 *                maxTimestamp producerId producerEpoch baseSequence recordCount [Record]
 *   baseOffset => INT64             @0   offset of the first record when the batch was made
 *   batchLength => INT32            @8   bytes after this field
 *   partitionLeaderEpoch => INT32   @12  set by the leader, not covered by the checksum
 *   magic => INT8                   @16  2
 *   crc => UINT32                   @17  CRC-32C of everything from attributes on
 *   attributes => INT16             @21  bits 0-2 codec, 3 LogAppendTime, 4 transactional, 5 control, 6 delete horizon
 *   lastOffsetDelta => INT32        @23
 *   baseTimestamp => INT64          @27  or the delete horizon, when bit 6 is set
 *   maxTimestamp => INT64           @35
 *   producerId => INT64             @43  -1: none
 *   producerEpoch => INT16          @51
 *   baseSequence => INT32           @53
 *   recordCount => INT32            @57
 *   Record => length:VARINT attributes:INT8 timestampDelta:VARLONG offsetDelta:VARINT
 *             key:VARINT+bytes value:VARINT+bytes [Header]   (a negative length is null; compressed all together)
 *   Header => key:VARINT+string value:VARINT+bytes
 * ```
 */
export const BASE_OFFSET_AT = 0
export const LENGTH_AT = 8
export const PARTITION_LEADER_EPOCH_AT = 12
export const MAGIC_AT = 16
export const CRC_AT = 17
export const ATTRIBUTES_AT = 21
export const LAST_OFFSET_DELTA_AT = 23
export const BASE_TIMESTAMP_AT = 27
export const MAX_TIMESTAMP_AT = 35
export const PRODUCER_ID_AT = 43
export const PRODUCER_EPOCH_AT = 51
export const BASE_SEQUENCE_AT = 53
export const RECORD_COUNT_AT = 57

/** Bytes of a batch's header: what a batch without records takes. */
export const BATCH_OVERHEAD = 61
/** Bytes of `baseOffset` and `batchLength`, which `batchLength` does not count. */
export const LOG_OVERHEAD = 12
/** Bytes up to and including `magic`, the first field that tells the format. */
export const HEADER_SIZE_UP_TO_MAGIC = 17
/** The only format since Kafka 4.0. */
export const MAGIC = 2
/** Bytes of the smallest record: seven fields of one byte. */
export const MIN_RECORD_BYTES = 7

export const COMPRESSION_MASK = 0x07
export const LOG_APPEND_TIME_FLAG = 0x08
export const TRANSACTIONAL_FLAG = 0x10
export const CONTROL_FLAG = 0x20
export const DELETE_HORIZON_FLAG = 0x40

export const NO_TIMESTAMP = -1
export const NO_PRODUCER_ID = -1
export const NO_PRODUCER_EPOCH = -1
export const NO_SEQUENCE = -1
export const NO_PARTITION_LEADER_EPOCH = -1

/** Whether a record's timestamp is its producer's or the time of the append. */
export type TimestampType = 'CreateTime' | 'LogAppendTime'
