import { describe, expect, it } from 'vitest'
import { CLIENT_NAMES, type ClientName, type ProducerSpec } from '../../harness/trial/scenario.ts'
import { loadClient } from '../../harness/workloads/clients/load.ts'
import { type ProducerClient, REFUSALS } from '../../harness/workloads/clients/producer-client.ts'
import { Produce } from '../../src/protocol/apis/produce.ts'
import { decodeRequestBody, parseRequestHeader } from '../../src/protocol/codec.ts'
import { ErrorCode, isRetriable } from '../../src/protocol/errors.ts'
import { RecordBatchView } from '../../src/protocol/records/batch.ts'
import { PRODUCER } from '../checkers/support.ts'
import { onStage, type Stage, type StageOptions, TOPIC } from '../faults/stage.ts'

interface Use {
  readonly stage: Stage
  readonly client: ProducerClient
  readonly logged: string[]
}

/** Uses a client library, in an application's process, against a running broker. */
async function use<T>(
  name: ClientName,
  body: (use: Use) => Promise<T>,
  spec: Partial<ProducerSpec> = {},
  options: StageOptions = {},
): Promise<T> {
  const create = await loadClient(name)
  return await onStage(async stage => {
    const [node] = stage.clients
    if (node === undefined) throw new Error('there is no client')
    const logged: string[] = []
    return await node.process.run(async () => {
      const client = create({
        runtime: node.process,
        clientId: node.name,
        bootstrap: [stage.broker.bootstrap],
        topic: TOPIC,
        spec: { ...PRODUCER, client: name, retries: 0, requestTimeoutMs: 1000, ...spec },
        log: line => logged.push(line),
      })
      return await body({ stage, client, logged })
    })
  }, options)
}

function record(bytes = 10) {
  return { key: 'key', value: Buffer.alloc(bytes) }
}

/** How a client's error is judged. */
async function judged(client: ProducerClient, sent: Promise<unknown>) {
  const error = await sent.then(
    () => new Error('the send succeeded'),
    (reason: unknown) => reason,
  )
  return { definite: client.isDefiniteFailure(error), brokerError: client.brokerErrorOf(error) }
}

describe.each(CLIENT_NAMES)('%s', name => {
  it('tells at which offset the broker put what it sent', async () => {
    await use(name, async ({ client }) => {
      await client.connect()

      expect(await client.send(0, [record(), record()])).toBe(0)
      expect(await client.send(0, [record()])).toBe(2)
      await client.close()
    })
  })

  it('tells no offset with acks=0', async () => {
    await use(
      name,
      async ({ client }) => {
        await client.connect()

        expect(await client.send(0, [record()])).toBeUndefined()
      },
      { acks: 0 },
    )
  })

  it('fails for certain when the broker refuses the batch', async () => {
    await use(
      name,
      async ({ client }) => {
        await client.connect()

        expect(await judged(client, client.send(0, [record(1000)]))).toEqual({
          definite: true,
          brokerError: 'MESSAGE_TOO_LARGE',
        })
      },
      {},
      { config: { 'message.max.bytes': '300' } },
    )
  })

  it('fails without certainty when the broker answers with an error that an earlier try need not have met', async () => {
    await use(name, async ({ client, stage }) => {
      await client.connect()
      await stage.begin({ kind: 'clock-jump', forMs: 60_000, amount: -7_200_000 })

      expect(await judged(client, client.send(0, [record()]))).toEqual({
        definite: false,
        brokerError: 'INVALID_TIMESTAMP',
      })
    })
  })

  it('fails without certainty when no answer comes', async () => {
    await use(name, async ({ client, stage }) => {
      await client.connect()
      stage.arm({ kind: 'lose-response', at: { request: 'Produce', nth: 1 }, forMs: 60_000 })

      expect(await judged(client, client.send(0, [record()]))).toEqual({ definite: false, brokerError: undefined })
      const [replica] = stage.broker.server?.inspect().replicas ?? []
      expect(replica?.logEndOffset).toBe(1)
    })
  })

  it('fails without certainty when the connection breaks', async () => {
    await use(name, async ({ client, stage }) => {
      await client.connect()
      stage.arm({ kind: 'lose-response', at: { request: 'Produce', nth: 1 }, forMs: 10 })

      expect(await judged(client, client.send(0, [record()]))).toEqual({ definite: false, brokerError: undefined })
    })
  })

  it('fails without certainty, in the end, when there is no broker any more', async () => {
    await use(name, async ({ client, stage }) => {
      await client.connect()
      await stage.begin({ kind: 'kill', forMs: 60_000 })

      expect(await judged(client, client.send(0, [record()]))).toMatchObject({ brokerError: undefined })
    })
  })

  it('cannot connect while connections are refused, and can afterwards', async () => {
    await use(name, async ({ client, stage }) => {
      await stage.begin({ kind: 'refuse', forMs: 60_000 })
      await expect(client.connect()).rejects.toThrow()

      stage.plan.heal()
      await client.connect()

      expect(await client.send(0, [record()])).toBe(0)
    })
  })

  it.each([undefined, 'an error', new Error('of something else')])('takes no %s of others for its own', async error => {
    await use(name, async ({ client }) => {
      expect(client.isDefiniteFailure(error)).toBe(false)
      expect(client.brokerErrorOf(error)).toBeUndefined()
    })
  })

  it('does not get lost in errors that cause each other', async () => {
    await use(name, async ({ client }) => {
      const error = new Error('chicken')
      error.cause = new Error('egg', { cause: error })

      expect(client.isDefiniteFailure(error)).toBe(false)
    })
  })
})

/** The options of every Produce request that reaches the broker. */
function tapProduce({ world }: Stage): { readonly acks: number; readonly compression: string }[] {
  const seen: { readonly acks: number; readonly compression: string }[] = []
  const streams = new Map<number, Buffer>()
  const record = world.trace.data.bind(world.trace)
  world.trace.data = (timeUs, lane, kind, bytes) => {
    record(timeUs, lane, kind, bytes)
    const toBroker = world.network.connections().some(({ client }) => client.outPipe?.lane.id === lane)
    if (kind !== 'deliver' || !toBroker) return
    let stream = Buffer.concat([streams.get(lane) ?? Buffer.alloc(0), bytes])
    while (stream.length >= 4 && stream.length >= 4 + stream.readInt32BE()) {
      const frame = stream.subarray(4, 4 + stream.readInt32BE())
      stream = stream.subarray(4 + frame.length)
      const { api, header, bodyOffset } = parseRequestHeader(frame)
      if (api.key !== Produce.key) continue
      const { acks, topicData } = decodeRequestBody(Produce, header.apiVersion, frame, bodyOffset)
      const records = topicData[0]?.partitionData[0]?.records
      seen.push({ acks, compression: new RecordBatchView(Buffer.from(records ?? []), 0).compression })
    }
    streams.set(lane, stream)
  }
  return seen
}

describe.each(CLIENT_NAMES)('what the scenario asks of %s is what the broker is asked for:', name => {
  it.each([-1, 0, 1] as const)('acks=%i', async acks => {
    await use(
      name,
      async ({ client, stage }) => {
        const seen = tapProduce(stage)
        await client.connect()

        await client.send(0, [record()])
        await stage.world.sleep(10)

        expect(seen).toEqual([{ acks, compression: 'none' }])
      },
      { acks },
    )
  })

  it.each(name === 'kafkajs' ? (['gzip'] as const) : (['gzip', 'snappy', 'lz4', 'zstd'] as const))(
    'compression with %s',
    async compression => {
      await use(
        name,
        async ({ client, stage }) => {
          const seen = tapProduce(stage)
          await client.connect()

          await client.send(0, [record(500)])

          expect(seen).toEqual([{ acks: -1, compression }])
        },
        { compression },
      )
    },
  )

  it('idempotence: a producer id, and acks of all', async () => {
    await use(
      name,
      async ({ client, stage }) => {
        const seen = tapProduce(stage)
        let initialised = 0
        stage.gate.onHandled('InitProducerId', () => {
          initialised++
          return false
        })
        await client.connect()

        await client.send(0, [record()])

        expect(seen).toEqual([{ acks: -1, compression: 'none' }])
        expect(initialised).toBeGreaterThan(0) // a broker may have to ask its controller for ids first
      },
      { idempotent: true, retries: 5 },
    )
  })

  it('retries: a send whose answer is lost is tried again only if it may be', async () => {
    for (const retries of [0, 2]) {
      await use(
        name,
        async ({ client, stage }) => {
          const seen = tapProduce(stage)
          await client.connect()
          stage.arm({ kind: 'lose-response', at: { request: 'Produce', nth: 1 }, forMs: 100 })

          await client.send(0, [record()]).catch(() => undefined)

          expect(seen).toHaveLength(retries === 0 ? 1 : 2)
        },
        { retries },
      )
    }
  })

  it('a request timeout', async () => {
    await use(
      name,
      async ({ client, stage }) => {
        await client.connect()
        stage.arm({ kind: 'lose-response', at: { request: 'Produce', nth: 1 }, forMs: 60_000 })

        const tookMs = await stage.timed(() => client.send(0, [record()]).catch(() => undefined))

        expect(tookMs).toBeGreaterThan(1999)
        expect(tookMs).toBeLessThan(2600)
      },
      { requestTimeoutMs: 2000 },
    )
  })

  it.each([1, 3])('no more than %i requests in flight', async maxInFlight => {
    await use(
      name,
      async ({ client, stage }) => {
        const seen = tapProduce(stage)
        await client.connect()
        await stage.begin({ kind: 'delay-response', forMs: 60_000, amount: 500 })

        const sends: Promise<unknown>[] = []
        for (let send = 0; send < 5; send++) {
          sends.push(client.send(0, [record()]).catch(() => undefined))
          await stage.world.sleep(20)
        }
        await stage.world.sleep(200)

        expect(stage.lastConnection.client.outPipe?.undeliveredBytes).toBe(0)
        expect(seen.length).toBeLessThanOrEqual(maxInFlight)
        stage.plan.heal()
        await Promise.all(sends)
        // The Java client's semantics put into one batch what waits meanwhile.
        expect(seen).toHaveLength(name === 'java-semantics' ? maxInFlight + 1 : 5)
      },
      { maxInFlight, requestTimeoutMs: 30_000 },
    )
  })
})

describe('kafkajs', () => {
  it('fails for certain before it was connected, and after it was closed: nothing is written then', async () => {
    await use('kafkajs', async ({ client }) => {
      expect(await judged(client, client.send(0, [record()]))).toEqual({ definite: true, brokerError: undefined })
      await client.connect()
      await client.close()
      expect(await judged(client, client.send(0, [record()]))).toEqual({ definite: true, brokerError: undefined })
    })
  })

  it('tells its warnings and errors', async () => {
    await use('kafkajs', async ({ client, stage, logged }) => {
      await stage.begin({ kind: 'refuse', forMs: 60_000 })

      await client.connect().catch(() => undefined)

      expect(logged).toContainEqual(expect.stringContaining('Connection error'))
    })
  })
})

describe('the refusals', () => {
  it('are errors that Kafka has, none of which goes away by waiting', () => {
    for (const name of REFUSALS) {
      const code = Object.entries(ErrorCode).find(([candidate]) => candidate === name)?.[1]
      expect(code, name).toBeDefined()
      expect(isRetriable(code ?? ErrorCode.UNKNOWN_SERVER_ERROR), name).toBe(false)
    }
  })
})
