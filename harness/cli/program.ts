import { Command, CommanderError } from 'commander'
import { versionOf } from '../explore/real-host.ts'
import type { ExploreFlags } from './explore-command.ts'
import { addGenerationFlags } from './generation-options.ts'
import type { MutantsFlags } from './mutants-command.ts'
import * as values from './option-values.ts'
import { printError } from './output.ts'
import type { ReplayFlags } from './replay-command.ts'
import type { ServeFlags } from './serve-command.ts'
import { UsageError } from './usage-error.ts'
import { addVerdictFlags, type VerdictFlags } from './verdict-options.ts'

const MAX_TRIALS = 1_000_000_000
const MAX_WORKERS = 64
const MAX_UNTIL_MS = 86_400_000
const MAX_PORT = 65_535
const MUTANT_TIME_MS = 120_000
const USAGE = 2
const INTERNAL = 4
/** Errors that tell of a wrong flag, file or value, by name: their classes are loaded with the commands that throw them. */
const USAGE_ERRORS: ReadonlySet<string> = new Set([
  'UsageError',
  'ScenarioError',
  'ConfigError',
  'PropertiesSyntaxError',
  'RefusedConfiguration',
  'PatchError',
])

const EXIT_CODES = `
Exit codes: 0 clean, 1 violation, 2 usage, 3 liveness or deadlock, 4 internal error or divergence.`

function createProgram(finish: (exitCode: number) => void): Command {
  const program = new Command('kafka-trial')
    .description(
      'Puts Kafka on trial: real clients and a real broker on virtual time, under faults that a seed decides.',
    )
    .version(versionOf('kafka-trial') ?? 'unknown', '--version', 'print the version')
    .helpOption('--help', 'show what there is')
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .configureOutput({ outputError: text => printError(oneLine(text)) })
    .exitOverride()
    .addHelpText('after', EXIT_CODES)

  addGenerationFlags(program.command('explore'))
    .description('run many trials, each with its own faults; shrink and keep what they find')
    .option('--trials <n>', 'trials to run (default: 500)', values.wholeNumber(1, MAX_TRIALS))
    .option('--time <time>', 'begin trials for so long instead: 60s, 5m', values.duration)
    .option('--seed <seed>', 'decides everything (default: a fresh one, printed)', values.seed)
    .option('--workers <n>', 'processes', values.wholeNumber(1, MAX_WORKERS), 2)
    .option('--json', 'print one JSON document')
    .addHelpText('after', EXIT_CODES)
    .action(async (flags: ExploreFlags) => {
      const { exploreCommand } = await import('./explore-command.ts')
      finish(await exploreCommand(flags))
    })

  addGenerationFlags(
    program.command('replay').argument('<file-or-seed>', 'a counterexample, or the seed of a trial: 42-17'),
  )
    .description('run one trial again and tell its story; a seed needs the flags that explore had')
    .option('--until <ms>', 'stop at this virtual time', values.wholeNumber(1, MAX_UNTIL_MS))
    .option('--trace <file>', 'write every event as JSON lines')
    .option('--json', 'print one JSON document')
    .addHelpText('after', EXIT_CODES)
    .action(async (fileOrSeed: string, flags: ReplayFlags) => {
      const { replayCommand } = await import('./replay-command.ts')
      finish(await replayCommand(fileOrSeed, flags))
    })

  addVerdictFlags(program.command('verdict'))
    .description('judge a configuration: does it lose, repeat or reorder records, and is it available again?')
    .addHelpText('after', EXIT_CODES)
    .action(async (flags: VerdictFlags) => {
      const { verdictCommand } = await import('./verdict-command.ts')
      finish(await verdictCommand(flags))
    })

  program
    .command('serve')
    .description('run the same broker, or a cluster of them, on real TCP and real files')
    .option(
      '--brokers <n>',
      'brokers, each a process of its own (default: 1, in this process)',
      values.wholeNumber(1, 9),
    )
    .option(
      '--base-port <port>',
      'port of the first of them, 0: any free ones (default: 9092)',
      values.wholeNumber(0, MAX_PORT),
    )
    .option(
      '--control-port <port>',
      'HTTP API for faults on loopback, 0: any free one',
      values.wholeNumber(0, MAX_PORT),
    )
    .option('--port <port>', 'port to listen on, 0: any free one (default: 9092)', values.wholeNumber(0, MAX_PORT))
    .option('--host <host>', 'address to listen on (default: 127.0.0.1)')
    .option('--data <dir>', 'directory for its files (default: those of the configuration, or a temporary one)')
    .option('--config <file>', "a server.properties file, in Kafka's own format")
    .option('--set <key=value>', 'a setting, over the file; may be repeated', values.setting)
    .option('--json', 'print one JSON document when it listens')
    .action(async (flags: ServeFlags) => {
      const { serveCommand } = await import('./serve-command.ts')
      finish(await serveCommand(flags))
    })

  program
    .command('mutants')
    .argument('[ids...]', 'mutants to hunt: R1 K4 (default: all)')
    .description('plant known bugs, one at a time, and look whether trials catch them')
    .option('--time <time>', 'for each: 120s, 5m', values.duration, MUTANT_TIME_MS)
    .option('--seed <seed>', 'decides everything', values.seed, '1')
    .option('--workers <n>', 'processes', values.wholeNumber(1, MAX_WORKERS), 2)
    .option('--stories', 'shrink what catches them, and tell it')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExit codes: 0 all caught, 1 one was missed, 2 usage or a patch that does not apply.')
    .action(async (ids: readonly string[], flags: MutantsFlags) => {
      const { mutantsCommand } = await import('./mutants-command.ts')
      finish(await mutantsCommand(ids, flags))
    })
  return program
}

function oneLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, '')
    .replaceAll(/\s*\n\s*/g, ' ')
}

/**
 * Runs a command line.
 *
 * @param argv as `process.argv` has it
 * @returns the exit code
 */
export async function runProgram(argv: readonly string[]): Promise<number> {
  let exitCode = 0
  const program = createProgram(code => {
    exitCode = code
  })
  try {
    if (argv.length === 2)
      throw new UsageError('which command? explore, verdict, replay, serve or mutants; --help shows all')
    await program.parseAsync(argv)
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE
    if (error instanceof Error && USAGE_ERRORS.has(error.name)) {
      printError(oneLine(error.message))
      return USAGE
    }
    printError(error instanceof Error ? (error.stack ?? error.message) : String(error))
    return INTERNAL
  }
}
