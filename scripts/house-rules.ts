// The rules of the house that no general linter knows: which room may touch the real machine, and which may import which.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

/** Rooms that may touch the real host, and why. */
const REAL_HOST_ROOMS = [
  'src/runtime/node/', // the real host itself
  'harness/unmodified/', // replaces the real host's functions
  'harness/world/drain.ts', // the world's one door to the real event loop
  'harness/cli/', // the command: files, terminal, signals
  'harness/explore/', // worker processes and their time box
  'harness/report/', // files and terminal
  'harness/serve/', // a cluster of real processes
]

const FORBIDDEN: readonly (readonly [pattern: RegExp, what: string])[] = [
  [
    /from '(node:)?(net|tls|dns|dns\/promises|fs|fs\/promises|timers|timers\/promises|worker_threads|child_process|http|https)'/,
    'imports the real host',
  ],
  [
    /(?<![.\w#])(setTimeout|setInterval|setImmediate|clearTimeout|clearInterval|clearImmediate)\s*\(/,
    'uses a global timer',
  ],
  [/\bDate\.now\(|\bnew Date\(\)|(?<![.\w])performance\./, 'reads a real clock'],
  [/\bMath\.random\(|\brandomBytes\(|\brandomUUID\(|\bgetRandomValues\(/, 'draws real randomness'],
  [/\bMath\.pow\(|[\w)\]] \*\* [\w(]/, 'uses a power function that differs between V8 versions'],
  [/\btoLocale\w*String\(|\bIntl\./, 'formats by locale'],
]

/** Floors of `src/`: a folder imports itself and what stands lower. Folders of one floor do not know each other. */
const SRC_FLOORS: readonly (readonly string[])[] = [
  ['runtime', 'config'],
  ['protocol'],
  ['network', 'log'],
  ['raft'],
  ['controller'],
  ['replication'],
  ['coordinator'],
  ['server'],
]
const SRC_CLIENTS_MAY_IMPORT = ['runtime', 'config', 'protocol', 'network', 'clients']

/** Floors of `harness/`. */
const HARNESS_FLOORS: readonly (readonly string[])[] = [
  ['world'],
  ['unmodified', 'history'],
  ['faults', 'workloads', 'checkers', 'trial'],
  ['explore'],
  ['mutants', 'verdict'],
  ['report', 'serve'],
  ['simulation', 'vitest', 'cli'],
]

interface Finding {
  readonly file: string
  readonly line: number
  readonly message: string
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => `${folder}/${name.replaceAll('\\', '/')}`)
    .sort()
}

/** The code without comments, line for line. */
function withoutComments(text: string): string[] {
  const blanked = text.replace(/\/\*[\s\S]*?\*\//g, comment => comment.replace(/[^\n]/g, ' '))
  return blanked.split('\n').map(line => line.replace(/(^|\s)\/\/.*$/, '$1'))
}

function floorOf(floors: readonly (readonly string[])[], folder: string): number {
  return floors.findIndex(floor => floor.includes(folder))
}

function importProblem(file: string, target: string): string | undefined {
  const [side, folder = ''] = file.split('/')
  const [targetSide, targetFolder = ''] = target.split('/')
  if (side === 'src' && targetSide !== 'src') return `src/ imports ${target}`
  if (side !== targetSide || folder === targetFolder) return undefined
  if (side === 'src' && folder === 'clients') {
    return SRC_CLIENTS_MAY_IMPORT.includes(targetFolder) ? undefined : `clients/ imports ${targetFolder}/`
  }
  const floors = side === 'src' ? SRC_FLOORS : HARNESS_FLOORS
  const from = floorOf(floors, folder)
  const to = floorOf(floors, targetFolder)
  if (folder.endsWith('.ts') || targetFolder.endsWith('.ts')) return undefined
  if (from < 0) return `${side}/${folder}/ has no floor in scripts/house-rules.ts`
  const sameHarnessFloor = side === 'harness' && from === to
  return to < from || sameHarnessFloor
    ? undefined
    : `${side}/${folder}/ imports ${side}/${targetFolder}/, which does not stand below it`
}

function check(file: string): Finding[] {
  const findings: Finding[] = []
  const mayTouchHost = REAL_HOST_ROOMS.some(room => file.startsWith(room))
  for (const [index, code] of withoutComments(readFileSync(join(root, file), 'utf8')).entries()) {
    const line = index + 1
    if (!mayTouchHost) {
      for (const [pattern, what] of FORBIDDEN) {
        if (pattern.test(code)) findings.push({ file, line, message: `${what}: ${code.trim()}` })
      }
    }
    const specifier = /(?:from|import\() ?'(\.[^']+)'/.exec(code)?.[1]
    if (specifier === undefined) continue
    const target = relative(root, resolve(root, dirname(file), specifier)).replaceAll('\\', '/')
    const problem = importProblem(file, target)
    if (problem !== undefined) findings.push({ file, line, message: problem })
  }
  return findings
}

const findings = [...sources('src'), ...sources('harness')].flatMap(check)
for (const { file, line, message } of findings) process.stderr.write(`${file}:${line} ${message}\n`)
if (findings.length > 0) {
  process.stderr.write(`${findings.length} findings against the rules of the house (scripts/house-rules.ts)\n`)
  process.exitCode = 1
}
