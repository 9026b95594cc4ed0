/**
 * The real machine, for exploring and reporting: time, memory, files, processes. Everything is taken when this module
 * loads, before the world puts its own functions behind Node's. Nothing that runs inside a trial may use it.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A small young generation: trials make much garbage, and this halves what a process keeps for it, at no cost in time. */
const YOUNG_MIB = 8

const now = performance.now.bind(performance)
const setTimer = globalThis.setTimeout
const clearTimer = globalThis.clearTimeout
const rss = process.memoryUsage.rss.bind(process.memoryUsage)

/** Run seeds that are made up stay short enough to type. */
const RANDOM_SEEDS = 1_000_000_000
/** Parents that are searched for a package's `package.json`. */
const MAX_PARENTS = 10

/** Monotonic milliseconds, with fractions. */
export function nowMs(): number {
  return now()
}

/** Calls back after a while; the result cancels it. It does not keep the process alive. */
export function after(delayMs: number, callback: () => void): () => void {
  const timer = setTimer(callback, delayMs)
  timer.unref()
  return () => clearTimer(timer)
}

/** Memory of this process that is in use, bytes. */
export function rssBytes(): number {
  return rss()
}

/** A run seed that nobody has chosen. */
export function freshSeed(): string {
  return String(randomInt(RANDOM_SEEDS))
}

export function fileExists(path: string): boolean {
  return existsSync(path)
}

/** Names of what is in a directory, in the order of their UTF-16 units. */
export function fileNames(directory: string): string[] {
  return readdirSync(directory).sort()
}

/** @throws the system's error when the file cannot be read */
export function readText(path: string): string {
  return readFileSync(path, 'utf8')
}

/** Writes a file, and makes its directory if there is none. */
export function writeText(path: string, text: string): void {
  mkdirSync(dirname(resolve(path)), { recursive: true })
  writeFileSync(path, text)
}

export function joinPath(...parts: readonly string[]): string {
  return join(...parts)
}

/**
 * Starts a module of the harness, named without its extension, as a process of its own, in which clients behave as in
 * production and local time is UTC, wherever it runs.
 *
 * @param heapMiB of memory that its objects may take; a process that needs more ends
 * @param imports modules that are loaded before it
 * @param env variables of its environment besides those of this process
 */
export function forkModule(
  module: URL,
  heapMiB: number,
  imports: readonly URL[] = [],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  return fork(fileURLToPath(module), [], {
    execArgv: [
      `--max-old-space-size=${heapMiB}`,
      `--max-semi-space-size=${YOUNG_MIB}`,
      ...imports.map(({ href }) => `--import=${href}`),
    ],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, ...env, NODE_ENV: 'production', TZ: 'UTC', KAFKAJS_NO_PARTITIONER_WARNING: '1' },
  })
}

/** The version of an installed package, or of this one; undefined when it cannot be found. */
export function versionOf(name: string): string | undefined {
  let directory: string
  try {
    directory = dirname(fileURLToPath(name === 'kafka-trial' ? import.meta.url : import.meta.resolve(name)))
  } catch {
    return undefined // not installed
  }
  for (let step = 0; step < MAX_PARENTS; step++, directory = dirname(directory)) {
    const file = join(directory, 'package.json')
    if (!existsSync(file)) continue
    const found = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string }
    if (found.name === name) return found.version
  }
  return undefined
}
