import { mmss, secondsSince } from '@/design/format'
import { atLeast, atMost, worst, type Level } from '@/design/levels'
import type { StateName } from '@/design/states'
import { stateName } from '@/design/states'
import type { Floor, FloorAgent, FloorQueue } from './floor'

export interface Judged { level: Level, serviceLevel: Level, longest: Level, abandonment: Level, asa: Level, longestSeconds: number | null }

/** How a queue stands to its own targets. A wait is over its limit when it alone has already missed the answer time four times. */
export function judge(queue: FloorQueue, now: number): Judged {
  const longestSeconds = queue.longest_since ? secondsSince(queue.longest_since, now) : null
  const serviceLevel = atLeast(queue.today.service_level, queue.target.share)
  const abandonment = atMost(queue.today.abandonment, queue.target.abandonment)
  const asa = queue.today.asa === null ? 'ok' as const : queue.today.asa > queue.target.seconds * 2 ? 'bad' as const : queue.today.asa > queue.target.seconds ? 'near' as const : 'ok' as const
  const longest: Level = longestSeconds === null ? 'ok' : longestSeconds > queue.target.seconds * 4 ? 'bad' : longestSeconds > queue.target.seconds ? 'near' : 'ok'
  return { level: worst(serviceLevel, longest === 'bad' ? 'bad' : 'ok', abandonment === 'bad' ? 'near' : 'ok'), serviceLevel, longest, abandonment, asa, longestSeconds }
}

/** A wait as a figure: `02:14`, or a dash when nobody waits. */
export function wait(seconds: number | null): string {
  return seconds === null ? '–' : mmss(seconds)
}

export type Counts = Record<StateName, number>

/** Agents by state over the whole floor; on hold is counted apart from talking. */
export function countAgents(agents: readonly FloorAgent[]): Counts {
  const counts: Counts = { ready: 0, ringing: 0, talking: 0, hold: 0, wrapup: 0, notready: 0, offline: 0 }
  for (const agent of agents) counts[stateName(agent.state, agent.held)] += 1
  return counts
}

/** Agents of one queue by state. On hold is told apart by the agents' own rows, since the queue's counts do not know it. */
export function countQueue(queue: FloorQueue, agents: readonly FloorAgent[]): Counts {
  const held = agents.filter(agent => agent.held && agent.state === 'talking' && agent.queue === queue.id).length
  const a = queue.agents
  return { ready: a.ready, ringing: a.ringing, talking: Math.max(0, a.talking - held), hold: Math.min(held, a.talking), wrapup: a.wrap_up, notready: a.not_ready, offline: a.signed_out }
}

/** Seconds in a state after which an agent deserves a look: help, not blame. */
export const LOOK_AFTER: Partial<Record<StateName, number>> = { ringing: 30, talking: 900, hold: 180, wrapup: 180, notready: 1200 }

export function needsLook(agent: FloorAgent, now: number): boolean {
  const limit = LOOK_AFTER[stateName(agent.state, agent.held)]
  return limit !== undefined && secondsSince(agent.since, now) > limit
}

/** Agents who need a look first, then in the order of the states, then by name; those who are signed out are left out. */
export function orderAgents(agents: readonly FloorAgent[], now: number): FloorAgent[] {
  const rank: Record<StateName, number> = { hold: 0, talking: 1, ringing: 2, wrapup: 3, ready: 4, notready: 5, offline: 6 }
  return agents
    .filter(agent => agent.state !== 'signed_out')
    .map(agent => ({ agent, look: needsLook(agent, now) ? 0 : 1, rank: rank[stateName(agent.state, agent.held)] }))
    .sort((a, b) => a.look - b.look || a.rank - b.rank || a.agent.name.localeCompare(b.agent.name))
    .map(entry => entry.agent)
}

/** Queues that need most help first; equal ones keep the server's order. */
export function orderQueues(queues: readonly FloorQueue[], now: number): FloorQueue[] {
  const rank: Record<Level, number> = { bad: 0, near: 1, ok: 2 }
  return queues.map((queue, i) => ({ queue, i, rank: rank[judge(queue, now).level] })).sort((a, b) => a.rank - b.rank || a.i - b.i).map(entry => entry.queue)
}

/** The queue whose first caller has waited longest, and since when. */
export function longestOf(floor: Floor): FloorQueue | null {
  return floor.queues.filter(queue => queue.longest_since).sort((a, b) => Date.parse(a.longest_since!) - Date.parse(b.longest_since!))[0] ?? null
}
