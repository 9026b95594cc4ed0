import { describe, expect, it } from 'vitest'
import { inspectDisk } from '../../harness/trial/disk-inspection.ts'
import { onStage, type Stage, TOPIC } from '../faults/stage.ts'

const SPEC = { topic: { name: TOPIC, partitions: 1, replicationFactor: 1, config: {} }, config: {} }
const SEGMENT = `data/${TOPIC}-0/00000000000000000000.log`

async function stoppedWithRecords(stage: Stage): Promise<void> {
  const client = await stage.connect()
  await stage.produce(client)
  await stage.produce(client)
  stage.broker.shutdown()
  while (stage.broker.state !== 'down') await stage.world.sleep(10)
}

describe('inspectDisk', () => {
  it('finds nothing wrong with what a broker leaves that was shut down, and leaves no process behind', async () => {
    await onStage(async stage => {
      await stoppedWithRecords(stage)

      expect(await inspectDisk(stage.broker, SPEC, [0])).toEqual([])
      expect(stage.broker.host.processes.size).toBe(0)
    })
  })

  it('names the file in which something is wrong', async () => {
    await onStage(async stage => {
      await stoppedWithRecords(stage)
      const vandal = stage.broker.host.process('vandal')
      const file = await vandal.disk.open(SEGMENT)
      await file.append(Buffer.from('rubbish'))
      vandal.kill()

      const findings = await inspectDisk(stage.broker, SPEC, [0])

      expect(findings).toEqual([{ node: 1, file: SEGMENT, message: expect.stringContaining('the last 7 bytes') }])
    })
  })

  it('leaves it to others whether epochs are those of the leader-epoch checkpoint', async () => {
    await onStage(async stage => {
      await stoppedWithRecords(stage)
      const vandal = stage.broker.host.process('vandal')
      const file = await vandal.disk.open(`data/${TOPIC}-0/leader-epoch-checkpoint`)
      await file.truncate(0)
      await file.append(Buffer.from('0\n1\n7 0\n'))
      vandal.kill()

      expect(await inspectDisk(stage.broker, SPEC, [0])).toEqual([])
    })
  })

  it('finds the directory of a partition missing', async () => {
    await onStage(async stage => {
      await stoppedWithRecords(stage)

      const findings = await inspectDisk(stage.broker, SPEC, [0, 1])

      expect(findings).toEqual([{ node: 1, file: `data/${TOPIC}-1`, message: `list ENOENT data/${TOPIC}-1` }])
      expect(stage.broker.host.processes.size).toBe(0)
    })
  })
})
