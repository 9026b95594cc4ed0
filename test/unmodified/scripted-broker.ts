import net from 'node:net'
import { ApiVersions } from '../../src/protocol/apis/api-versions.ts'
import { InitProducerId } from '../../src/protocol/apis/init-producer-id.ts'
import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { Produce } from '../../src/protocol/apis/produce.ts'
import { decodeRequestBody, encodeResponse, parseRequestHeader } from '../../src/protocol/codec.ts'

const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'

/** What the broker was sent, for tests to look at. */
export interface ScriptedBroker {
  readonly requests: string[]
  readonly produced: Buffer[]
}

/**
 * A broker of a few lines, for tests of clients in the world: one topic `t` with one partition, offsets that count
 * batches. Listens on port 9092 of the host whose code calls this.
 *
 * @param resetAfter resets the connection instead of answering the nth Produce request
 */
export function startScriptedBroker(host: string, resetAfter?: number): ScriptedBroker {
  const broker: ScriptedBroker = { requests: [], produced: [] }
  net
    .createServer(socket => {
      let bytes = Buffer.alloc(0)
      socket.on('error', () => {})
      socket.on('data', (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk])
        while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
          const end = 4 + bytes.readInt32BE(0)
          const frame = answer(broker, host, bytes.subarray(4, end))
          bytes = bytes.subarray(end)
          if (broker.produced.length === resetAfter && frame.produce) {
            broker.produced.push(Buffer.alloc(0))
            socket.resetAndDestroy()
            return
          }
          const size = Buffer.alloc(4)
          size.writeInt32BE(frame.bytes.length)
          socket.write(Buffer.concat([size, frame.bytes]))
        }
      })
    })
    .listen(9092)
  return broker
}

function answer(
  broker: ScriptedBroker,
  host: string,
  frame: Buffer,
): { readonly bytes: Buffer; readonly produce: boolean } {
  const { api, header, bodyOffset } = parseRequestHeader(frame)
  const { apiVersion: version, correlationId } = header
  broker.requests.push(`${api.name} v${version}`)
  switch (api.key) {
    case ApiVersions.key: {
      const apiKeys = [ApiVersions, Metadata, Produce, InitProducerId].map(({ key, advertise }) => ({
        apiKey: key,
        minVersion: advertise[0],
        maxVersion: advertise[1],
      }))
      return { bytes: encodeResponse(ApiVersions, version, correlationId, { apiKeys, errorCode: 0 }), produce: false }
    }
    case Metadata.key: {
      const partitions = [
        {
          errorCode: 0,
          partitionIndex: 0,
          leaderId: 1,
          leaderEpoch: 0,
          replicaNodes: [1],
          isrNodes: [1],
          offlineReplicas: [],
        },
      ]
      const body = {
        brokers: [{ nodeId: 1, host, port: 9092, rack: null }],
        clusterId: 'scripted',
        controllerId: 1,
        topics: [{ errorCode: 0, name: 't', topicId: TOPIC_ID, isInternal: false, partitions }],
      }
      return { bytes: encodeResponse(Metadata, version, correlationId, body), produce: false }
    }
    case InitProducerId.key: {
      const body = { errorCode: 0, producerId: 1, producerEpoch: 0 }
      return { bytes: encodeResponse(InitProducerId, version, correlationId, body), produce: false }
    }
    default: {
      const { topicData } = decodeRequestBody(Produce, version, frame, bodyOffset)
      const records = topicData[0]?.partitionData[0]?.records
      const response = { index: 0, errorCode: 0, baseOffset: broker.produced.length, logAppendTimeMs: -1 }
      broker.produced.push(Buffer.from(records ?? []))
      const body = { responses: [{ name: 't', topicId: TOPIC_ID, partitionResponses: [response] }] }
      return { bytes: encodeResponse(Produce, version, correlationId, body), produce: true }
    }
  }
}
