/** Takes an error that nothing in the process has handled, with the name of the thread or callback that it left. */
export type CrashHandler = (error: unknown, where: string) => void

/** Lets the error end the process, as an error that leaves a thread should. */
export function crashProcess(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}

/** The callback with its errors handed to the crash handler. */
export function guarded(callback: () => void, where: string, onCrash: CrashHandler): () => void {
  return () => {
    try {
      callback()
    } catch (error) {
      onCrash(error, where)
    }
  }
}
