/**
 * kafka-trial for programs: run trials of your own, judge them, replay and shrink what they find.
 *
 * ```ts
 * import { runTrial, scenarioFromSeed } from 'kafka-trial'
 *
 * const result = await runTrial(scenarioFromSeed('42-0', { client: 'kafkajs', faults: ['kill', 'disconnect'] }))
 * for (const { message } of result.violations) console.log(message)
 * ```
 *
 * Import this package before client libraries: it puts virtual time and the simulated network behind Node's functions
 * (inert outside a trial), and some libraries capture those functions when they are loaded.
 */
import { installUnmodified } from './unmodified/install.ts'

installUnmodified()

export type { Evidence, Violation } from './checkers/evidence.ts'
export { scenarioArbitrary, scenarioFromSeed, trialSeed } from './explore/arbitrary.ts'
export { DEFAULT_FAULTS, type ExploreOptions } from './explore/explore-options.ts'
export { parseScenario } from './explore/parse-scenario.ts'
export { ScenarioError } from './explore/scenario-error.ts'
export { FAULT_CATALOGUE } from './faults/catalogue.ts'
export type {
  RedeployOptions,
  Service,
  ServiceLife,
  ServiceMain,
  ServiceOptions,
  StopOptions,
} from './simulation/service.ts'
export { type SimulationOptions, type SimulationResult, simulate } from './simulation/simulate.ts'
export type { FaultOptions, Simulation, SimulationTopic } from './simulation/simulation.ts'
export { SimulationError } from './simulation/simulation-error.ts'
export type { StoryEvent, TrialFailure, TrialOptions, TrialResult } from './trial/result.ts'
export { runTrial } from './trial/run-trial.ts'
export * from './trial/scenario.ts'
export { installUnmodified } from './unmodified/install.ts'
export { type Divergence, findDivergence } from './world/determinism.ts'
