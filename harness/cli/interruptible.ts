/** The first interrupt ends a campaign with its report, the second one the process. */
export function interruptible(): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController()
  const onInterrupt = (): void => {
    if (controller.signal.aborted) process.exit(130)
    process.stderr.write('interrupted: the trials under way end first; again to stop at once\n')
    controller.abort()
  }
  process.on('SIGINT', onInterrupt)
  return { signal: controller.signal, release: () => process.removeListener('SIGINT', onInterrupt) }
}
