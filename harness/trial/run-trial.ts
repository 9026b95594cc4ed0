import type { Violation } from '../checkers/evidence.ts'
import { check } from '../checkers/index.ts'
import { watchEscapes } from '../unmodified/strict.ts'
import { type CreateClient, type CreateConsumer, loadClient, loadConsumer } from '../workloads/clients/load.ts'
import { WorldError } from '../world/errors.ts'
import { World } from '../world/world.ts'
import type { ConsumerClientName } from './group-spec.ts'
import { TrialError, type TrialFailure, type TrialOptions, type TrialResult } from './result.ts'
import type { ClientName, Scenario } from './scenario.ts'
import { Trial, type TrialClients } from './trial.ts'

/** A trial that has not ended by then does not end: three virtual hours. */
const MAX_VIRTUAL_MS = 10_800_000

/**
 * Runs one scenario from start to verdict: chaos, heal, settle, final reads, checks. Never rejects because of what the
 * scenario does; a trial that cannot be judged has a `failure`.
 */
export async function runTrial(scenario: Scenario, options: TrialOptions = {}): Promise<TrialResult> {
  return await runTrialWith(await loadClients(scenario), scenario, options)
}

/** As `runTrial`, with other client libraries behind the names in the scenario. */
export async function runTrialWith(
  clients: TrialClients,
  scenario: Scenario,
  options: TrialOptions = {},
): Promise<TrialResult> {
  const world = new World({
    seed: scenario.seed,
    schedule: scenario.schedule,
    maxVirtualMs: options.untilMs ?? MAX_VIRTUAL_MS,
    trace: options.trace ?? 'digest',
    ...(options.drain === undefined ? {} : { drain: options.drain }),
    ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
    ...(options.explainIndex === undefined ? {} : { explainIndex: options.explainIndex }),
  })
  const stopWatching = options.strict === true ? watchEscapes(world) : undefined
  let trial: Trial | undefined
  let violations: readonly Violation[] = []
  let failure: TrialFailure | undefined
  try {
    const evidence = await world.run(() => {
      trial = new Trial(world, scenario, clients)
      return trial.run()
    })
    violations = check(evidence)
  } catch (error) {
    failure = classify(error, options.untilMs !== undefined)
  } finally {
    stopWatching?.()
  }
  return {
    scenario,
    world,
    digest: world.trace.digest(),
    statistics: world.statistics,
    faults: trial?.plan.injected ?? new Map(),
    probes: trial?.probes.counts ?? new Map(),
    violations,
    failure,
    story: trial?.story.events ?? [],
    trace: world.trace.entries,
  }
}

async function loadClients({ workload }: Scenario): Promise<TrialClients> {
  const producers = new Map<ClientName, CreateClient>()
  const consumers = new Map<ConsumerClientName, CreateConsumer>()
  for (const { client } of workload.producers) producers.set(client, await loadClient(client))
  for (const { client } of workload.groups ?? []) consumers.set(client, await loadConsumer(client))
  return { producers, consumers }
}

function classify(error: unknown, stoppedOnPurpose: boolean): TrialFailure | undefined {
  if (error instanceof WorldError) {
    const { message } = error
    if (error.code === 'TIME_LIMIT' && stoppedOnPurpose) return undefined
    if (error.code === 'DEADLOCK') return { kind: 'deadlock', message }
    if (error.code === 'TIME_LIMIT' || error.code === 'EVENT_LIMIT') return { kind: 'liveness', message }
    if (error.code === 'ESCAPE') return { kind: 'escape', message }
    if (error.code === 'UNCAUGHT') return { kind: 'crash', message: withStack(message, error.cause) }
  }
  if (error instanceof TrialError) return { kind: error.kind, message: error.message }
  return { kind: 'internal', message: withStack('the harness failed', error) }
}

function withStack(message: string, error: unknown): string {
  return `${message}\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
}
