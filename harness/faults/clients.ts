import type { MemberNode } from '../trial/client-node.ts'
import type { SimulatedProcess } from '../world/process.ts'
import { type FaultKind, type Heal, type Injection, pick } from './fault-kind.ts'
import { Overlaps } from './overlaps.ts'

/** How often a zombie's grave is looked at: whether the group has gone on without it. */
const LOOK_MS = 20

const pauses = new Overlaps<SimulatedProcess>()

/** Processes stand still (SIGSTOP) until the result is called; the kernels under them go on taking bytes. */
export function pauseProcesses(processes: Iterable<SimulatedProcess>): () => void {
  const ends = [...processes].map(process =>
    pauses.begin(process, true, active => {
      if (active.length > 0) process.pause()
      else process.resume()
    }),
  )
  return () => {
    for (const end of ends) end()
  }
}

export const pauseClient: FaultKind = {
  name: 'pause-client',
  summary:
    "an application's process stands still (SIGSTOP, a long garbage collection); its kernel goes on taking bytes",
  longestMs: 15_000,
  inject({ clients, hit, tell }, fault) {
    const client = pick(
      clients.filter(({ process }) => process !== undefined),
      fault,
    )
    if (client?.process === undefined) return undefined
    hit(`pauses ${client.name}`)
    const resume = pauseProcesses([client.process])
    return () => {
      tell(`lets ${client.name} go on`)
      resume()
    }
  },
}

export const killClient: FaultKind = {
  name: 'kill-client',
  summary: "an application's process ends at once (kill -9) and is started again afterwards",
  longestMs: 5000,
  inject({ clients, hit, tell }, fault) {
    const client = pick(
      clients.filter(({ process }) => process !== undefined),
      fault,
    )
    const release = client?.takeDown('kill')
    if (client === undefined || release === undefined) return undefined
    hit(`kills ${client.name} (kill -9)`)
    return () => {
      if (release()) tell(`starts ${client.name}`)
    }
  },
}

/** Whether a newer generation of the group has given another member something of what this one believes to own. */
function isReplaced(member: MemberNode, members: readonly MemberNode[]): boolean {
  const { groupId, assignment } = member
  if (assignment === undefined) return true
  return members.some(
    other =>
      other !== member &&
      other.groupId === groupId &&
      (other.assignment?.generation ?? 0) > assignment.generation &&
      other.assignment?.partitions.some(partition => assignment.partitions.includes(partition)) === true,
  )
}

/** Calls back when the group has gone on without a member, unless that is no longer of interest. */
function whenReplaced({ world, members }: Injection, member: MemberNode, isOver: () => boolean, run: () => void): void {
  const look = (): void => {
    if (isOver()) return
    if (isReplaced(member, members)) run()
    else world.at(world.nowUs + LOOK_MS * 1000, world.mainLane, 'fault', look)
  }
  look()
}

export const zombie: FaultKind = {
  name: 'zombie',
  summary:
    'a member of a group stands still until the group has given what it owns to others, then goes on as if nothing had happened',
  shortestMs: 10_000,
  longestMs: 30_000,
  inject(injection, fault): Heal | undefined {
    const { members, hit, tell } = injection
    const member = pick(
      members.filter(({ process, assignment }) => process !== undefined && (assignment?.partitions.length ?? 0) > 0),
      fault,
    )
    if (member?.process === undefined) return undefined
    hit(`pauses ${member.name} until others own what it owns`)
    const resume = pauseProcesses([member.process])
    let over = false
    const wake = (how: string): void => {
      if (over) return
      over = true
      tell(`${member.name} wakes ${how}`)
      resume()
    }
    whenReplaced(
      injection,
      member,
      () => over,
      () => wake('as a zombie'),
    )
    return () => wake('before anybody has missed it')
  },
}
