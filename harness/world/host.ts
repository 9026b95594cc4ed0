import { SimulatedClock } from './clock.ts'
import { type DiskOptions, SimulatedDisk } from './disk.ts'
import { SimulatedProcess } from './process.ts'
import { TcpKernel } from './tcp/kernel.ts'
import type { World } from './world.ts'

export interface HostOptions {
  /** How far the wall clock is ahead of the world's, milliseconds. Default 0. */
  readonly clockOffsetMs?: number
  /** Microseconds a second by which the clock runs fast (negative: slow). Default 0. */
  readonly clockDriftPpm?: number
  /** Threads that can use the processor at once. Default 4. */
  readonly cores?: number
  readonly disk?: DiskOptions
}

/** A machine: clocks, disk, network stack, and the processes that run on it. A crash of the machine takes all processes. */
export class SimulatedHost {
  readonly world: World
  readonly name: string
  /** 1 for the first host of the world. */
  readonly number: number
  /** Its address in the simulated network: `10.0.0.1` for the first host. */
  readonly ip: string
  readonly clock: SimulatedClock
  readonly disk: SimulatedDisk
  readonly kernel: TcpKernel
  readonly cores: number
  /** Multiplies the processor time everything takes; 1 is normal, 10 a slow machine. */
  cpuSlowness = 1
  /** False between a power loss and the next boot: nothing on this host runs or answers. */
  up = true
  /** When it lost power, virtual ms. */
  readonly powerLossesMs: number[] = []
  readonly processes = new Set<SimulatedProcess>()
  #incarnations = 0
  /** When each core is free again, microseconds. */
  readonly #coreFreeUs: number[]

  constructor(world: World, name: string, options: HostOptions) {
    this.world = world
    this.name = name
    this.number = world.hosts.size + 1
    this.ip = `10.0.${this.number >> 8}.${this.number & 255}`
    this.clock = new SimulatedClock(world, options.clockOffsetMs ?? 0, options.clockDriftPpm ?? 0)
    this.disk = new SimulatedDisk(world, name, options.disk ?? {})
    this.kernel = new TcpKernel(world.network, this)
    this.cores = options.cores ?? 4
    this.#coreFreeUs = new Array<number>(this.cores).fill(0)
  }

  /** Starts a process on this machine (booting it first if it was off). */
  process(name: string = this.name): SimulatedProcess {
    if (!this.up) this.boot()
    const process = new SimulatedProcess(this, name, ++this.#incarnations)
    this.processes.add(process)
    return process
  }

  /** Lets go of a process that has ended; the work it had asked for ends with the last one. */
  forget(process: SimulatedProcess): void {
    this.processes.delete(process)
    if (this.processes.size === 0) this.#coreFreeUs.fill(0)
  }

  /** Ends all processes at once, as `kill -9` does: the page cache and the network stack live on. */
  kill(): void {
    for (const process of [...this.processes]) process.kill()
  }

  /** Cuts the power: processes are gone, peers hear nothing, the disk keeps what was synced and part of the rest. */
  powerLoss(): void {
    if (!this.up) return
    this.up = false
    this.kernel.vanish()
    for (const process of [...this.processes]) process.vanish()
    this.disk.powerLoss()
    this.powerLossesMs.push(this.world.nowMs)
  }

  boot(): void {
    if (this.up) return
    this.up = true
    this.kernel.boot()
  }

  /** Stops all processes where they are (SIGSTOP); the network stack still takes bytes. */
  pause(): void {
    for (const process of this.processes) process.pause()
  }

  resume(): void {
    for (const process of this.processes) process.resume()
  }

  /** When work of `cpuUs` that is asked for now is done, given what the cores have to do already. */
  reserveCpu(cpuUs: number): number {
    const free = this.#coreFreeUs
    let core = 0
    for (let index = 1; index < free.length; index++) {
      if ((free[index] as number) < (free[core] as number)) core = index
    }
    const startUs = Math.max(this.world.nowUs, free[core] as number)
    const doneUs = startUs + Math.round(cpuUs * this.cpuSlowness)
    free[core] = doneUs
    return doneUs
  }
}
