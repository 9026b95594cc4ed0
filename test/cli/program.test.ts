import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { runProgram } from '../../harness/cli/program.ts'
import type { Finished } from './support.ts'

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'program-'))
  writeFileSync(join(directory, 'broken.json'), '{"format": 1,\n "seed": ')
  writeFileSync(join(directory, 'bad.properties'), 'num.io.threads=none\n')
})
afterAll(() => rmSync(directory, { recursive: true }))
afterEach(() => vi.restoreAllMocks())

/** Runs a command line in this process. File names stand for files of the test's directory. */
async function command(args: readonly string[]): Promise<Finished> {
  const stdout: string[] = []
  const stderr: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation(chunk => stdout.push(String(chunk)) > 0)
  vi.spyOn(process.stderr, 'write').mockImplementation(chunk => stderr.push(String(chunk)) > 0)
  const placed = args.map(arg => (/\.(json|properties)$/.test(arg) ? join(directory, arg) : arg))
  const code = await runProgram(['node', 'kafka-trial', ...placed])
  return { code, stdout: stdout.join(''), stderr: stderr.join('').replaceAll(`${directory}/`, '') }
}

describe('wrong input', () => {
  it.each([
    [[], 'which command?'],
    [['explode'], "unknown command 'explode' (Did you mean explore?)"],
    [['explore', '--fault', 'kill'], "unknown option '--fault' (Did you mean --faults?)"],
    [['explore', '--faults', 'kil'], '"kil" is none of disconnect'],
    [['explore', '--client', 'java'], '"java" is none of kafkajs, platformatic'],
    [['explore', '--trials', '0'], 'expected a whole number from 1'],
    [['explore', '--time', '60'], 'expected a time as 60s'],
    [['explore', '--time', '1s', '--trials', '5'], '--trials or --time, not both'],
    [['explore', '--seed', 'a-b'], 'expected up to 64 letters, digits'],
    [['explore', '--set', 'nothing'], 'expected key=value'],
    [['explore', '--set', 'num.io.treads=3'], 'unknown configuration num.io.treads, did you mean num.io.threads?'],
    [['explore', '--set', 'num.io.threads=0'], 'invalid value "0" for configuration num.io.threads'],
    [['explore', '--set', 'segment.ms=0'], 'invalid value "0" for configuration segment.ms'],
    [['explore', '--idempotent', '--acks', '1'], '--idempotent needs --acks all'],
    [['explore', '--group-protocol', 'consumer'], '--group-protocol, --commit and --sink need --workload group'],
    [['explore', '--workload', 'group', '--group-protocol', 'consumer'], 'needs --consumer java-semantics'],
    [['explore', '--workload', 'group', '--partitioner', 'own'], '--partitioner needs --workload keyed'],
    [['explore', '--workload', 'keyed', '--partitioner', 'murmur'], '"murmur" is none of own, java'],
    [['explore', '--workload', 'churn'], '"churn" is none of append, group, keyed, redeploy, admin-churn'],
    [['explore', 'much'], 'too many arguments'],
    [['replay'], "missing required argument 'file-or-seed'"],
    [['replay', 'none.json'], '"none.json" is neither a file nor the seed of a trial'],
    [['replay', 'broken.json'], 'broken.json is "{'],
    [['verdict', '--acks', '2'], 'expected all, -1, 1 or 0'],
    [
      ['verdict', '--faults', 'fire'],
      '"fire" is none of process-crash, power-loss, partition, maintenance, client, all',
    ],
    [['verdict', '--commit', 'auto'], 'that is --enable-auto-commit true'],
    [['verdict', '--commit', 'after', '--enable-auto-commit', 'true'], 'with --commit after Kafka takes both'],
    [['verdict', '--consumer', 'kafkajs', '--assignor', 'sticky'], 'kafkajs has only roundrobin'],
    [['verdict', '--consumer-config', 'none.properties'], 'none.properties cannot be read'],
    [['verdict', '--matrix', '--consumer', 'kafkajs'], '--matrix judges what producers write, --consumer a group'],
    [['verdict', '--acks', '1', '--idempotence'], 'ConfigException: Must set acks to all'],
    [['verdict', '--replication-factor', '4'], 'INVALID_REPLICATION_FACTOR: The target replication factor of 4'],
    [['verdict', '--producer', 'none.properties'], 'none.properties cannot be read'],
    [['verdict', '--broker', 'bad.properties'], 'invalid value "none" for configuration num.io.threads'],
    [['verdict', '--topic', 'bad.properties'], 'INVALID_CONFIG: Unknown topic config name: num.io.threads'],
    [['verdict', '--matrix', '--min-insync-replicas', '2'], '--matrix decides --min-insync-replicas itself'],
    [['verdict', '--brokers', '10'], 'expected a whole number from 1 to 9'],
    [['serve', '--port', '70000'], 'expected a whole number from 0 to 65535'],
    [['serve', '--config', 'none.properties'], 'cannot read --config none.properties'],
    [['serve', '--config', 'bad.properties'], 'invalid value "none" for configuration num.io.threads'],
  ])('%j gives one clear line and exit code 2', async (args, message) => {
    const { code, stdout, stderr } = await command(args)
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^kafka-trial: [^\n]+\n$/)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })
})

describe('--help', () => {
  it.each([[[]], [['explore']], [['verdict']], [['replay']], [['serve']]])('explains %j', async args => {
    const { code, stdout } = await command([...args, '--help'])
    expect(stdout).toMatch(/^Usage: kafka-trial/)
    expect(code).toBe(0)
  })
})
