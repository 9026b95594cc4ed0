import type { ExploreOptions } from '../explore/explore-options.ts'

/** Flags that generate the same scenarios again. */
export function generationFlags(options: ExploreOptions): string[] {
  const {
    workload,
    partitioner,
    consumer,
    group,
    commit,
    sink,
    client,
    faults,
    set = {},
    require = [],
    acks,
    idempotent,
    maxInFlight,
    retries,
    sequential,
    renewAfterError,
    brokers,
    controllers,
    roles,
    replicationFactor,
  } = options
  return [
    ...(workload === undefined ? [] : ['--workload', workload]),
    ...(partitioner === undefined ? [] : ['--partitioner', partitioner]),
    ...(consumer === undefined ? [] : ['--consumer', consumer]),
    ...(group?.protocol === undefined ? [] : ['--group-protocol', group.protocol]),
    ...(commit === undefined ? [] : ['--commit', commit]),
    ...(sink === undefined ? [] : ['--sink', sink]),
    ...(client === undefined ? [] : ['--client', client]),
    ...(faults === undefined ? [] : ['--faults', faults.length === 0 ? 'none' : faults.join(',')]),
    ...Object.entries(set).flatMap(([key, value]) => ['--set', `${key}=${value}`]),
    ...(require.length === 0 ? [] : ['--require', require.join(',')]),
    ...(acks === undefined ? [] : ['--acks', acks === -1 ? 'all' : String(acks)]),
    ...(idempotent === undefined ? [] : [idempotent ? '--idempotent' : '--no-idempotent']),
    ...(maxInFlight === undefined ? [] : ['--max-in-flight', String(maxInFlight)]),
    ...(retries === undefined ? [] : ['--retries', String(retries)]),
    ...(sequential === undefined ? [] : [sequential ? '--sequential' : '--no-sequential']),
    ...(renewAfterError === undefined ? [] : [renewAfterError ? '--renew-after-error' : '--no-renew-after-error']),
    ...(brokers === undefined ? [] : ['--brokers', String(brokers)]),
    ...(controllers === undefined ? [] : ['--controllers', String(controllers)]),
    ...(roles === undefined ? [] : ['--roles', roles]),
    ...(replicationFactor === undefined ? [] : ['--replication-factor', String(replicationFactor)]),
  ]
}

/** The command that replays a file, or the trial of a seed. */
export function replayCommand(fileOrSeed: string, options: ExploreOptions = {}): string {
  return ['npx kafka-trial replay', shellWord(fileOrSeed), ...generationFlags(options).map(shellWord)].join(' ')
}

export function exploreCommand(options: ExploreOptions, more: readonly string[] = []): string {
  return ['npm run explore --', ...[...generationFlags(options), ...more].map(shellWord)].join(' ')
}

/** A word as a POSIX shell needs it. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
