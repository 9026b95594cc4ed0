import type { TrialFailure } from '../trial/result.ts'
import { GUARANTEE_NAMES, type Scenario } from '../trial/scenario.ts'
import type { Finding } from './finding.ts'
import type { Counterexample } from './jobs.ts'
import { JsonValue } from './json-reader.ts'
import { parseJson, parseScenario } from './parse-scenario.ts'
import { joinPath, readText, versionOf } from './real-host.ts'
import { ScenarioError } from './scenario-error.ts'

/** What a replay of the file's scenario is expected to give. */
export type Expectation =
  | { readonly guarantee: string; readonly kind: string; readonly digest: string }
  | { readonly failure: string; readonly digest: string }

/** A scenario that found something, as a file that replays it. */
export interface CounterexampleFile {
  readonly format: 1
  /** One sentence for people. */
  readonly message: string
  readonly scenario: Scenario
  readonly expect: Expectation
  /** What it was found with; other versions may give another digest. */
  readonly versions: Readonly<Record<string, string>>
}

/** Where counterexamples go, below the working directory. */
export const OUTPUT_DIRECTORY = 'kafka-trial-out'
const FAILURES: readonly TrialFailure['kind'][] = ['deadlock', 'liveness', 'crash', 'internal', 'escape']
const MAX_TEXT = 10_000
const MAX_VERSIONS = 20
const CLIENT_PACKAGES = {
  kafkajs: 'kafkajs',
  platformatic: '@platformatic/kafka',
  'java-semantics': 'kafka-trial',
} as const

export function counterexampleFile({ scenario, finding, digest }: Counterexample): CounterexampleFile {
  return {
    format: 1,
    message: firstLine(finding.message),
    scenario,
    expect: expectationOf(finding, digest),
    versions: versionsFor(scenario),
  }
}

function expectationOf({ guarantee, kind }: Finding, digest: string): Expectation {
  return guarantee === 'trial' ? { failure: kind, digest } : { guarantee, kind, digest }
}

/** What decides a digest besides the scenario: this package, Node, and the clients that the scenario uses. */
export function versionsFor({ workload }: Scenario): Record<string, string> {
  const clients = [...workload.producers, ...(workload.groups ?? [])].map(({ client }) => client)
  const packages = new Set(['kafka-trial', ...clients.map(client => CLIENT_PACKAGES[client])])
  const versions: Record<string, string> = { node: process.versions.node }
  for (const name of packages) versions[name] = versionOf(name) ?? 'unknown'
  return versions
}

/** `kafka-trial-out/no-loss-acked-record-missing-42-17.json` */
export function counterexamplePath({ guarantee, kind }: Finding, seed: string, directory = OUTPUT_DIRECTORY): string {
  const safe = `${guarantee}-${kind}-${seed}`.replaceAll(/[^\w.-]/g, '_')
  return joinPath(directory, `${safe}.json`)
}

/**
 * Reads a counterexample file, or a file that holds nothing but a scenario.
 *
 * @throws ScenarioError of one line that names the file and what is wrong in it
 */
export function readScenarioFile(path: string): { readonly scenario: Scenario; readonly file?: CounterexampleFile } {
  let text: string
  try {
    text = readText(path)
  } catch (error) {
    throw new ScenarioError(
      path,
      undefined,
      `a file that can be read (${error instanceof Error ? error.message : error})`,
    )
  }
  const json = parseJson(text, path)
  try {
    return parseFile(json)
  } catch (error) {
    if (error instanceof ScenarioError) throw error.in(path)
    throw error
  }
}

function parseFile(json: unknown): { readonly scenario: Scenario; readonly file?: CounterexampleFile } {
  const document = new JsonValue(json)
  if (!document.has('scenario')) return { scenario: parseScenario(json) }
  document.only('format', 'message', 'scenario', 'expect', 'versions')
  const scenario = parseScenario((json as { scenario: unknown }).scenario)
  const expect = document.get('expect')
  const digest = expect.get('digest').text(MAX_TEXT)
  const file: CounterexampleFile = {
    format: document.get('format').oneOf([1] as const),
    message: document.has('message') ? document.get('message').text(MAX_TEXT) : '',
    scenario,
    expect: expect.has('failure')
      ? { failure: expect.get('failure').oneOf(FAILURES), digest }
      : { guarantee: expect.get('guarantee').oneOf(GUARANTEE_NAMES), kind: expect.get('kind').text(MAX_TEXT), digest },
    versions: document.has('versions') ? document.get('versions').texts(MAX_VERSIONS, MAX_TEXT) : {},
  }
  return { scenario, file }
}

export function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}
