import { OUTPUT_DIRECTORY } from '../explore/counterexample-file.ts'
import { freshSeed, nowMs, readText, writeText } from '../explore/real-host.ts'
import { WorkerPool, type Workforce } from '../explore/worker-pool.ts'
import { matrixLines } from '../report/matrix-terminal.ts'
import { matrixJson, verdictJson } from '../report/verdict-json.ts'
import { matrixJunit, verdictJunit } from '../report/verdict-junit.ts'
import { matrixMarkdown, verdictMarkdown } from '../report/verdict-markdown.ts'
import { cellText, createVerdictDisplay, type VerdictDisplay } from '../report/verdict-progress.ts'
import { verdictLines } from '../report/verdict-terminal.ts'
import { answerOf, matrixExitCode, verdictExitCode } from '../verdict/answer.ts'
import { runVerdict, type VerdictCampaignResult } from '../verdict/campaign.ts'
import { DEFAULT_FAULT_MODELS, DEFAULT_GROUP_FAULT_MODELS } from '../verdict/fault-models.ts'
import { runMatrix } from '../verdict/matrix.ts'
import type { VerdictPlan } from '../verdict/plan.ts'
import { type Question, type UnderstoodQuestion, understand } from '../verdict/question.ts'
import { type Suggestion, suggest, worthMending } from '../verdict/suggest.ts'
import { combinedNodeProperties } from './combined-node.ts'
import { interruptible } from './interruptible.ts'
import { hasInteractiveProgress, outputStyle, printJson, printLines } from './output.ts'
import { UsageError } from './usage-error.ts'
import { CONSUMER_FLAGS, consumerQuestionOf } from './verdict-consumer-options.ts'
import type { VerdictFlags } from './verdict-options.ts'

const DEFAULT_TRIALS = 1000
const DEFAULT_TRIALS_OF_A_CELL = 500
/** What a suggestion has to survive. */
const TRIALS_OF_A_CHANGE = 500

/** Everything a run has besides what it judges. */
interface Run {
  readonly flags: VerdictFlags
  readonly runSeed: string
  readonly pool: Workforce
  readonly display: VerdictDisplay
  readonly signal: AbortSignal
}

/** Judges a configuration, or the matrix of them, and reports it. */
export async function verdictCommand(flags: VerdictFlags): Promise<number> {
  if (flags.matrix === true) checkMatrixFlags(flags)
  const node = combinedNodeProperties({ host: 'broker-1', port: 9092 })
  const question = understand(questionOf(flags), node)
  const runSeed = flags.seed ?? freshSeed()
  process.stderr.write(`seed ${runSeed}\n`)
  const { signal, release } = interruptible()
  const display = await createVerdictDisplay(process.stderr, hasInteractiveProgress() && flags.matrix !== true)
  const pool = new WorkerPool(flags.workers)
  try {
    const run: Run = { flags, runSeed, pool, display, signal }
    return flags.matrix === true ? await judgeMatrix(run, question) : await judgeOne(run, question)
  } finally {
    display.stop()
    pool.close()
    release()
  }
}

async function judgeOne(run: Run, { configuration, notes }: UnderstoodQuestion): Promise<number> {
  const { flags, runSeed, pool, display, signal } = run
  const plan: VerdictPlan = {
    configuration,
    models: flags.faults ?? (configuration.consumer === undefined ? DEFAULT_FAULT_MODELS : DEFAULT_GROUP_FAULT_MODELS),
    atOnce: flags.atOnce ?? configuration.brokers,
    powerLosses: flags.powerLosses ?? 1,
  }
  for (const note of notes) display.say(`note: ${note}`)
  const trials = flags.trials ?? (flags.time === undefined ? DEFAULT_TRIALS : undefined)
  const campaign = await runVerdict(pool, {
    plan,
    runSeed,
    directory: OUTPUT_DIRECTORY,
    onProgress: progress => display.update(progress),
    signal,
    ...(trials === undefined ? {} : { trials }),
    ...(flags.time === undefined ? {} : { timeMs: flags.time }),
  })
  const suggestion = flags.suggest === true ? await suggestFor(run, plan, campaign) : undefined
  display.stop()
  const answer = answerOf(campaign, notes, suggestion)
  if (flags.junit !== undefined) writeText(flags.junit, verdictJunit(answer))
  if (flags.markdown !== undefined) writeText(flags.markdown, verdictMarkdown(answer))
  if (flags.json === true) printJson(verdictJson(answer, flags.workers))
  else printLines(verdictLines(answer, flags.workers, outputStyle()))
  return verdictExitCode(campaign)
}

async function suggestFor(
  { flags, runSeed, pool, display, signal }: Run,
  plan: VerdictPlan,
  { outcomes }: VerdictCampaignResult,
): Promise<Suggestion | undefined> {
  const broken = outcomes.flatMap(outcome => (outcome.broken === undefined ? [] : [outcome.judged.name]))
  const judge = worthMending(plan, broken)
  if (judge.length === 0) {
    if (broken.length > 0) display.say('no change of settings is promised to mend what is broken')
    return undefined
  }
  return await suggest(pool, {
    plan,
    judge,
    runSeed,
    trials: flags.trials ?? TRIALS_OF_A_CHANGE,
    nowMs,
    onAttempt: changes => display.say(`trying ${changes.map(({ setting }) => setting).join(' and ')}`),
    signal,
    ...(flags.time === undefined ? {} : { timeMs: flags.time }),
  })
}

async function judgeMatrix(
  { flags, runSeed, pool, display, signal }: Run,
  question: UnderstoodQuestion,
): Promise<number> {
  const result = await runMatrix(pool, {
    base: question.configuration,
    runSeed,
    trials: flags.trials ?? DEFAULT_TRIALS_OF_A_CELL,
    directory: OUTPUT_DIRECTORY,
    nowMs,
    onCell: (cell, done, of) => display.say(cellText(cell, done, of)),
    signal,
    ...(flags.time === undefined ? {} : { timeMs: flags.time }),
  })
  if (flags.junit !== undefined) writeText(flags.junit, matrixJunit(result))
  if (flags.markdown !== undefined) writeText(flags.markdown, matrixMarkdown(result))
  if (flags.json === true) printJson(matrixJson(result, runSeed, flags.workers))
  else printLines(matrixLines(result, flags.workers, outputStyle()))
  return matrixExitCode(result)
}

/** What the cells of the matrix decide themselves. */
const CELL_FLAGS = [
  'acks',
  'minInsyncReplicas',
  'replicationFactor',
  'brokers',
  'uncleanLeaderElection',
  'elr',
  'faults',
  'atOnce',
  'powerLosses',
  'suggest',
] as const

function checkMatrixFlags(flags: VerdictFlags): void {
  const given = CELL_FLAGS.find(name => flags[name] !== undefined)
  if (given !== undefined) throw new UsageError(`--matrix decides ${flagText(given)} itself`)
  const ofGroup = CONSUMER_FLAGS.find(name => flags[name] !== undefined)
  if (ofGroup !== undefined) throw new UsageError(`--matrix judges what producers write, ${flagText(ofGroup)} a group`)
}

function flagText(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
}

function questionOf(flags: VerdictFlags): Question {
  const { producer, broker, topic, elr } = flags
  return {
    ...copied(flags),
    ...consumerQuestionOf(flags, propertiesOf),
    ...(elr === undefined ? {} : { eligibleLeaderReplicas: elr }),
    ...(producer === undefined ? {} : { producerProperties: propertiesOf(producer) }),
    ...(broker === undefined ? {} : { brokerProperties: propertiesOf(broker) }),
    ...(topic === undefined ? {} : { topicProperties: propertiesOf(topic) }),
  }
}

/** The flags that are part of the question as they are. */
function copied(flags: VerdictFlags): Question {
  const { client, acks, idempotence, maxInFlight, retries, sequential, renewAfterError } = flags
  const { brokers, replicationFactor, minInsyncReplicas, uncleanLeaderElection, flushMessages } = flags
  return {
    ...(client === undefined ? {} : { client }),
    ...(acks === undefined ? {} : { acks }),
    ...(idempotence === undefined ? {} : { idempotence }),
    ...(maxInFlight === undefined ? {} : { maxInFlight }),
    ...(retries === undefined ? {} : { retries }),
    ...(sequential === undefined ? {} : { sequential }),
    ...(renewAfterError === undefined ? {} : { renewAfterError }),
    ...(brokers === undefined ? {} : { brokers }),
    ...(replicationFactor === undefined ? {} : { replicationFactor }),
    ...(minInsyncReplicas === undefined ? {} : { minInsyncReplicas }),
    ...(uncleanLeaderElection === undefined ? {} : { uncleanLeaderElection }),
    ...(flushMessages === undefined ? {} : { flushMessages }),
  }
}

function propertiesOf(path: string): string {
  try {
    return readText(path)
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}
