import { describe, expect, test } from 'vitest'
import { World } from '../../harness/world/world.ts'
import { KafkaScheduler } from '../../src/log/kafka-scheduler.ts'
import { LogDirFailureChannel } from '../../src/log/log-dir-failure-channel.ts'
import { UnifiedLog } from '../../src/log/unified-log.ts'
import { batches } from '../../src/protocol/records/batch.ts'
import type { Runtime } from '../../src/runtime/runtime.ts'
import { batch, config, DIRECTORY, TOPIC_ID } from './log-fixture.ts'

/** Opens the log on a machine that did not shut down cleanly. */
function open(runtime: Runtime): Promise<UnifiedLog> {
  return UnifiedLog.open(runtime, {
    directory: DIRECTORY,
    topicPartition: { topic: 'orders', partition: 0 },
    topicId: TOPIC_ID,
    config: config(),
    scheduler: new KafkaScheduler(runtime, 1),
    failureChannel: new LogDirFailureChannel(),
    producerStateConfig: { producerIdExpirationMs: 86_400_000 },
    hadCleanShutdown: false,
    logStartOffset: 0,
    recoveryPoint: 0,
  })
}

/** The epoch of each batch by its own word, and by that of the leader-epoch cache. */
async function epochsOf(log: UnifiedLog): Promise<[offset: number, own: number, cached: number | undefined][]> {
  const epochs: [number, number, number | undefined][] = []
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    const { records } = await log.read(offset, 1_048_576, 'log-end', true)
    for (const { baseOffset, partitionLeaderEpoch, nextOffset } of batches(records)) {
      epochs.push([baseOffset, partitionLeaderEpoch, log.leaderEpochCache.epochForOffset(baseOffset)])
      offset = nextOffset
    }
  }
  return epochs
}

describe('a log whose machine loses power', () => {
  test('knows the epoch of what is left when its tail had just been replaced', async () => {
    const ends = new Set<string>()
    for (let seed = 0; seed < 40; seed++) {
      const world = new World({ seed: `power-${seed}` })
      await world.run(async () => {
        const host = world.host('broker')
        const life = async (body: (log: UnifiedLog) => Promise<void>): Promise<void> => {
          const process = host.process()
          await process.run(async () => {
            await process.disk.makeDirectory(DIRECTORY)
            await body(await open(process))
          })
          host.powerLoss()
        }
        await life(async log => {
          for (let index = 0; index < 6; index++) await log.appendAsLeader(batch(`of epoch 0: ${index}`), 0)
          await log.flush()
        })
        await life(async log => {
          await log.truncateTo(3)
          for (let index = 0; index < 3; index++) await log.appendAsLeader(batch(`of epoch 1: ${index}`), 1)
        })
        await life(async log => {
          const epochs = await epochsOf(log)
          ends.add(epochs.map(([, own]) => own).join(''))
          for (const [offset, own, cached] of epochs) expect([offset, cached]).toEqual([offset, own])
        })
      })
    }
    expect([...ends].sort()).toEqual(['000', '000111'])
  })
})
