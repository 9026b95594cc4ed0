import { readText } from '../explore/real-host.ts'
import { UsageError } from './usage-error.ts'

/** The text of the file that `--config` names. Throws UsageError. */
export function textOf(path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  try {
    return readText(path)
  } catch (error) {
    throw new UsageError(`cannot read --config ${path}: ${error instanceof Error ? error.message : error}`)
  }
}

/** The first signal stops what is served cleanly, the second one the process. */
export function onSignals(stop: () => void): () => void {
  let stopping = false
  const onSignal = (): void => {
    if (stopping) process.exit(130)
    stopping = true
    stop()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return () => {
    process.removeListener('SIGINT', onSignal)
    process.removeListener('SIGTERM', onSignal)
  }
}
