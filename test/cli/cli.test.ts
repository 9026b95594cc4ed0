import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Finished, run, start } from './support.ts'

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'cli-'))
  writeFileSync(join(directory, 'broken.json'), '{"format": 1,\n "seed": ')
})
afterAll(() => rmSync(directory, { recursive: true }))

function command(...args: readonly string[]): Promise<Finished> {
  return run(args, directory)
}

describe('the command', () => {
  it('ends with one line and exit code 2 when it is used wrongly', async () => {
    const { code, stdout, stderr } = await command('replay', 'broken.json')
    expect(stderr).toMatch(/^kafka-trial: broken\.json is "\{[^\n]*, expected JSON [^\n]*\n$/)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })
})

describe('explore and replay', () => {
  it('finds a loss under power-loss, keeps it in a file, and replays it with the same digest', async () => {
    const explored = await command(
      'explore',
      '--trials',
      '12',
      '--seed',
      '3',
      '--faults',
      'power-loss',
      '--client',
      'kafkajs',
      '--brokers',
      '1',
      '--json',
    )
    const campaign = JSON.parse(explored.stdout)
    expect(explored.code).toBe(1)
    expect(campaign).toMatchObject({ exitCode: 1, trials: 12, divergenceCount: 0, workerErrors: [] })
    const [found] = campaign.counterexamples
    expect(found.key).toBe('no-loss/acked-record-missing')
    expect(found.scenario.faults.length).toBeLessThanOrEqual(4)
    expect(readdirSync(join(directory, 'kafka-trial-out'))).toContain(basename(found.file))

    const replayed = await command('replay', found.file)
    expect(replayed.code).toBe(1)
    expect(replayed.stdout).toContain('As the file says: no-loss/acked-record-missing, with the same digest.')
    expect(replayed.stdout).toContain('cuts the power of broker-1')
  })

  it('replays a seed with the digest of its trial, up to a time, with its trace', async () => {
    const whole = JSON.parse((await command('replay', '2-1', '--json')).stdout)
    const again = JSON.parse((await command('replay', '2-1', '--json')).stdout)
    expect(again.digest).toBe(whole.digest)

    const part = await command('replay', '2-1', '--until', '50', '--trace', 'trace.jsonl')
    expect(part.stdout).toContain('Stopped at 50 virtual ms')
    const trace = readFileSync(join(directory, 'trace.jsonl'), 'utf8').trim().split('\n')
    expect(JSON.parse(trace[0] ?? '')).toMatchObject({ index: 0, kind: 'start' })
    expect(JSON.parse(trace.at(-1) ?? '').ms).toBeLessThanOrEqual(50)
  })

  it('holds what is promised without power-loss, and says what to type next', async () => {
    const { code, stdout, stderr } = await command('explore', '--trials', '10', '--seed', '1')
    expect(stdout).toContain('Every promised guarantee held in every trial.')
    expect(stdout).toContain('next: npm run explore -- --faults power-loss --brokers 1')
    expect(stderr).toMatch(/^seed 1\n/)
    expect(code).toBe(0)
  })
})

describe('serve', () => {
  it('says where it listens, and stops cleanly when told to', async () => {
    const child = start(['serve', '--port', '0', '--data', 'data', '--json'], directory)
    const line = await new Promise<string>(resolve => child.stdout?.once('data', chunk => resolve(String(chunk))))
    const told = JSON.parse(line)
    expect(told.port).toBeGreaterThan(0)
    expect(told.data).toBe(join(directory, 'data'))

    const busy = await command('serve', '--port', String(told.port))
    expect(busy.stderr).toMatch(/^kafka-trial: cannot listen: [^\n]*EADDRINUSE[^\n]*\n$/)
    expect(busy.code).toBe(2)

    const code = new Promise(resolve => child.on('close', resolve))
    child.kill('SIGTERM')
    expect(await code).toBe(0)
    expect(readdirSync(join(directory, 'data', 'kafka-logs'))).toContain('.kafka_cleanshutdown')
  })
})
