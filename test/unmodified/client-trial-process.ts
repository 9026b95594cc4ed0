import { type ClientTrialOptions, runClientTrial } from './client-trial.ts'

/** Runs one trial in a process of its own: options as JSON in the first argument, the result as JSON on the output. */
const options = JSON.parse(process.argv[2] ?? '{}') as ClientTrialOptions
process.stdout.write(JSON.stringify(await runClientTrial(options)))
