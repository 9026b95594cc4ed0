import { END_OF_STREAM } from '../../src/runtime/network.ts'
import type { SimulatedHost } from '../world/host.ts'
import type { SimulatedProcess } from '../world/process.ts'
import type { Endpoint } from '../world/tcp/endpoint.ts'
import type { World } from '../world/world.ts'

const READ_BYTES = 65_536
/** Small, so that a peer that does not read soon holds its server up. */
const RECEIVE_BUFFER_BYTES = 4_096

/**
 * What a hostile peer does to its connection after the last byte: ends its direction (`fin`), closes it wholly (`close`),
 * resets it (`reset`), is gone without a word (`vanish`), or leaves it open and says nothing more (`hold`).
 */
export type HostileEnding = 'fin' | 'close' | 'reset' | 'vanish' | 'hold'

export const HOSTILE_ENDINGS: readonly HostileEnding[] = ['fin', 'close', 'reset', 'vanish', 'hold']

/** One thing that a hostile peer does to a server, as plain data. */
export interface Attack {
  /** What it is, in words, for whoever reads a counterexample. */
  readonly name: string
  /** When it begins, virtual milliseconds after the start of the siege. */
  readonly atMs: number
  /** How many connections do the same at the same time. */
  readonly connections: number
  /** What each connection sends, sizes of frames included. */
  readonly bytes: Buffer
  /** Bytes written at once; the rest follows in pieces of this size. */
  readonly pieceBytes: number
  /** Virtual milliseconds between two pieces. */
  readonly intervalMs: number
  /** Whether what the server answers is read, or left with the network until its buffers are full. */
  readonly reads: boolean
  readonly ending: HostileEnding
}

/** A machine that speaks to a server without keeping to its protocol. */
export class HostilePeer {
  readonly #world: World
  readonly #host: SimulatedHost
  readonly #process: SimulatedProcess
  readonly #target: { readonly host: string; readonly port: number }

  constructor(world: World, name: string, target: { readonly host: string; readonly port: number }) {
    this.#world = world
    this.#host = world.host(name)
    this.#process = this.#host.process()
    this.#target = target
  }

  /** Carries an attack out; resolves when its last connection has sent what it sends and has done to it what it does. */
  async attack(attack: Attack): Promise<void> {
    await this.#world.sleep(attack.atMs)
    await Promise.all(Array.from({ length: attack.connections }, () => this.#attackOnce(attack)))
  }

  async #attackOnce(attack: Attack): Promise<void> {
    const endpoint = await this.#connect()
    if (endpoint === undefined) return
    const connection = new HostileConnection(endpoint, attack.reads)
    const { bytes, pieceBytes } = attack
    for (let position = 0; position < bytes.length && !connection.over; position += pieceBytes) {
      if (position > 0) await this.#world.sleep(attack.intervalMs)
      connection.send(bytes.subarray(position, position + pieceBytes))
    }
    connection.finish(attack.ending)
  }

  /** Undefined when no connection could be made, which a server under attack may well bring about. */
  #connect(): Promise<Endpoint | undefined> {
    return new Promise(resolve => {
      const options = { ...this.#target, receiveBufferBytes: RECEIVE_BUFFER_BYTES }
      this.#host.kernel.connect(this.#process, options, resolve, () => resolve(undefined))
    })
  }
}

/** One end of a connection that writes what it is told and reads or does not read what comes. */
class HostileConnection {
  readonly #endpoint: Endpoint
  readonly #reads: boolean
  readonly #unsent: Buffer[] = []
  #ending: HostileEnding | undefined
  #over = false

  constructor(endpoint: Endpoint, reads: boolean) {
    this.#endpoint = endpoint
    this.#reads = reads
    endpoint.onReady(() => this.#pump())
  }

  /** Whether the server has ended the connection, or it was ended here. */
  get over(): boolean {
    return this.#over
  }

  /** Writes as far as the server takes it; the rest when there is room again. */
  send(bytes: Buffer): void {
    this.#unsent.push(bytes)
    this.#pump()
  }

  finish(ending: HostileEnding): void {
    this.#ending = ending
    if (this.#over) return
    // A reset, a power cut and a close wait for nothing; an orderly end comes after the last byte.
    if (ending === 'reset') this.#endpoint.reset()
    else if (ending === 'vanish') this.#endpoint.vanish()
    else if (ending === 'close') this.#endpoint.close()
    else this.#pump()
    this.#over ||= ending !== 'fin' && ending !== 'hold'
  }

  #pump(): void {
    if (this.#over) return
    try {
      this.#write()
      if (this.#reads) this.#read()
    } catch {
      this.#over = true // broken: reset by the server, or closed there while we wrote
    }
  }

  #write(): void {
    for (let next = this.#unsent[0]; next !== undefined; next = this.#unsent[0]) {
      const taken = this.#endpoint.write(next)
      if (taken < next.length) {
        this.#unsent[0] = next.subarray(taken)
        return
      }
      this.#unsent.shift()
    }
    if (this.#ending === 'fin') this.#endpoint.end()
  }

  #read(): void {
    for (;;) {
      const chunk = this.#endpoint.read(READ_BYTES)
      if (chunk === null) return
      if (chunk !== END_OF_STREAM) continue
      this.#over = true
      this.#endpoint.close()
      return
    }
  }
}
