import type { SimulatedProcess } from '../../harness/world/process.ts'
import { Fetch } from '../../src/protocol/apis/fetch.ts'
import { ListOffsets } from '../../src/protocol/apis/list-offsets.ts'
import { Metadata } from '../../src/protocol/apis/metadata.ts'
import { decodeRequestBody, encodeResponse, parseRequestHeader } from '../../src/protocol/codec.ts'
import { buildBatch } from '../../src/protocol/records/batch.ts'
import type { Address, Connection } from '../../src/runtime/network.ts'
import { WireClient } from '../support/wire-client.ts'

/** What a partition says when its end is asked for, or its records. */
export interface ScriptedLog {
  /** The offset and the error of the nth question for the start (0) or the end (1). */
  offset(which: 'start' | 'end', nth: number): { readonly offset: number; readonly errorCode?: number }
  /** The records of the nth Fetch, from an offset on, asked for in a leader epoch; undefined closes the connection. */
  fetch(
    fetchOffset: number,
    nth: number,
    askedEpoch: number,
  ): { readonly records: Buffer; readonly errorCode?: number } | undefined
}

/** One batch with the offsets from `first` to `last`; each record's key is its offset, or counts from `firstKey`. */
export function batchOf(first: number, last: number, firstKey = first, partitionLeaderEpoch = 0): Buffer {
  const records = Array.from({ length: last - first + 1 }, (_, index) => ({
    key: Buffer.from(`r${firstKey + index}`),
    value: Buffer.from('value'),
    timestamp: 0,
  }))
  return buildBatch({ records, baseOffset: first, partitionLeaderEpoch })
}

/** The leader of every partition: answers ListOffsets and Fetch as it was told. Returns these requests. */
export async function serveLog(process: SimulatedProcess, port: number, log: ScriptedLog): Promise<string[]> {
  const requests: string[] = []
  const listener = await process.network.listen({ host: process.host.name, port, backlog: 10 })
  const answer = answers({ host: process.host.name, port }, log, requests)
  listener.onReady(() => {
    for (let connection = listener.accept(); connection !== null; connection = listener.accept()) {
      process.threads.start('connection', () => talk(process, connection as Connection, answer))
    }
  })
  return requests
}

type Answer = (frame: Buffer) => Buffer | undefined

async function talk(process: SimulatedProcess, connection: Connection, answer: Answer): Promise<void> {
  const wire = new WireClient(process, connection)
  for (;;) {
    const frame = await wire.receiveFrame().catch(() => undefined)
    const reply = frame === undefined ? undefined : answer(frame)
    if (reply === undefined) {
      connection.close()
      return
    }
    wire.sendFrame(reply)
  }
}

function answers(address: Address, log: ScriptedLog, requests: string[]): Answer {
  const asked = { start: 0, end: 0, fetch: 0 }
  return frame => {
    const { api, header, bodyOffset } = parseRequestHeader(frame)
    const { apiVersion: version, correlationId } = header
    if (api.key === Metadata.key) {
      const name = decodeRequestBody(Metadata, version, frame, bodyOffset).topics?.[0]?.name ?? ''
      return encodeResponse(Metadata, version, correlationId, {
        brokers: [{ nodeId: 1, ...address }],
        topics: [
          {
            errorCode: 0,
            name,
            partitions: [{ errorCode: 0, partitionIndex: 0, leaderId: 1, replicaNodes: [1], isrNodes: [1] }],
          },
        ],
      })
    }
    if (api.key === ListOffsets.key) {
      const topic = decodeRequestBody(ListOffsets, version, frame, bodyOffset).topics[0]
      const which = topic?.partitions[0]?.timestamp === -1 ? 'end' : 'start'
      requests.push(which)
      const { offset, errorCode = 0 } = log.offset(which, asked[which]++)
      const partitions = [{ partitionIndex: 0, errorCode, offset }]
      return encodeResponse(ListOffsets, version, correlationId, { topics: [{ name: topic?.name ?? '', partitions }] })
    }
    const topic = decodeRequestBody(Fetch, version, frame, bodyOffset).topics[0]
    const { fetchOffset = -1, currentLeaderEpoch = -1 } = topic?.partitions[0] ?? {}
    requests.push(`fetch ${fetchOffset}`)
    const found = log.fetch(fetchOffset, asked.fetch++, currentLeaderEpoch)
    if (found === undefined) return undefined
    const { records, errorCode = 0 } = found
    const partitions = [{ partitionIndex: 0, errorCode, highWatermark: 0, records }]
    return encodeResponse(Fetch, version, correlationId, { responses: [{ topic: topic?.topic ?? '', partitions }] })
  }
}
