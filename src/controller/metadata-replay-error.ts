/**
 * A record of the metadata log contradicts what the log said before. Whoever replays it cannot go on: its state would
 * no longer be that of the others.
 */
export class MetadataReplayError extends Error {
  override readonly name = 'MetadataReplayError'
  readonly recordType: string

  constructor(recordType: string, problem: string, options?: ErrorOptions) {
    super(`cannot replay ${recordType}: ${problem}`, options)
    this.recordType = recordType
  }
}
