import { readSmallFile, writeFileAtomically } from '../log/atomic-file.ts'
import type { Runtime } from '../runtime/runtime.ts'

export const QUORUM_STATE_NAME = 'quorum-state'

const MAX_FILE_BYTES = 65_536
const DATA_VERSION = 0

/** What a voter must not forget: its epoch, for whom it voted in it, and who leads. -1 says nobody. */
export interface ElectionState {
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly votedId: number
  readonly voters: readonly number[]
}

/** The file is not what a voter has written. Going on without it could mean voting twice in an epoch. */
export class CorruptQuorumStateError extends Error {
  override readonly name = 'CorruptQuorumStateError'

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`${path}: ${problem}`, options)
  }
}

/** The `quorum-state` file: one line of JSON, as Kafka's FileQuorumStateStore writes it for a static set of voters. */
export class QuorumStateStore {
  readonly path: string
  readonly #runtime: Runtime

  /** @param directory that of the metadata log */
  constructor(runtime: Runtime, directory: string) {
    this.#runtime = runtime
    this.path = `${directory}/${QUORUM_STATE_NAME}`
  }

  /** Undefined when the voter has never written it. Throws CorruptQuorumStateError. */
  async read(): Promise<ElectionState | undefined> {
    const bytes = await readSmallFile(this.#runtime.disk, this.path, MAX_FILE_BYTES)
    return bytes === undefined ? undefined : this.#parse(bytes.toString('utf8'))
  }

  /** After it, the state survives a power failure. */
  async write(state: ElectionState): Promise<void> {
    const json = JSON.stringify({
      clusterId: '',
      leaderId: state.leaderId,
      leaderEpoch: state.leaderEpoch,
      votedId: state.votedId,
      appliedOffset: 0,
      currentVoters: state.voters.map(voterId => ({ voterId })),
      data_version: DATA_VERSION,
    })
    await writeFileAtomically(this.#runtime.disk, this.path, Buffer.from(json, 'utf8'))
  }

  #parse(text: string): ElectionState {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      throw new CorruptQuorumStateError(this.path, 'not JSON', { cause: error })
    }
    if (typeof value !== 'object' || value === null) throw new CorruptQuorumStateError(this.path, 'not a JSON object')
    const fields = new Map<string, unknown>(Object.entries(value))
    const integer = (key: string): number => {
      const found = fields.get(key)
      if (typeof found === 'number' && Number.isInteger(found) && found >= -1) return found
      throw new CorruptQuorumStateError(this.path, `${key} is ${JSON.stringify(found)}, must be a whole number from -1`)
    }
    const version = integer('data_version')
    if (version !== DATA_VERSION) {
      throw new CorruptQuorumStateError(this.path, `data_version is ${version}, must be ${DATA_VERSION}`)
    }
    const voters = fields.get('currentVoters') ?? []
    if (!Array.isArray(voters)) throw new CorruptQuorumStateError(this.path, 'currentVoters must be an array')
    return {
      leaderId: integer('leaderId'),
      leaderEpoch: integer('leaderEpoch'),
      votedId: integer('votedId'),
      voters: voters.map(voter => this.#voterId(voter)),
    }
  }

  #voterId(voter: unknown): number {
    const id: unknown = typeof voter === 'object' && voter !== null && 'voterId' in voter ? voter.voterId : undefined
    if (typeof id === 'number' && Number.isInteger(id) && id >= 0) return id
    throw new CorruptQuorumStateError(this.path, `${JSON.stringify(voter)} in currentVoters has no voterId`)
  }
}
