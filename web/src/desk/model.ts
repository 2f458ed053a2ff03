import type { Schemas } from '@/api/client'

/** The server's whole truth for one agent, as sent over the desk socket. Instants are ISO 8601 UTC, durations seconds. */
export type Desk = Schemas['Desk']
export type DeskCall = Schemas['DeskCall']
export type Pop = Schemas['Pop']
export type PopCustomer = Schemas['PopCustomer']
export type Recall = Schemas['Recall']
export type OpenTicket = Schemas['OpenTicket']
export type Contact = Schemas['Contact']
export type PromiseRow = Schemas['Promise']
export type Notice = Schemas['Notice']
export type CallPhase = DeskCall['phase']
export type CommandError = Schemas['ErrorBody']
export type ServerMessage = Schemas['FromDeskSocket']['message']

export type DeskMode = 'ringing' | 'talking' | 'wrap_up' | 'idle'

/** What the desk works on. A call that has ended is wrapped up for as long as the server keeps it, timer or not. */
export function deskMode(desk: Desk | null): DeskMode {
  const phase = desk?.call?.phase
  if (phase === 'ringing') return 'ringing'
  if (isLive(phase)) return 'talking'
  return phase === 'ended' || desk?.agent.state === 'wrap_up' ? 'wrap_up' : 'idle'
}

/** The timer of the wrap-up has ended, or there was none, and the call's ticket is still to be closed. */
export function isUnfinished(desk: Desk | null): boolean {
  return desk?.call?.phase === 'ended' && desk.agent.state !== 'wrap_up'
}

/** True while the call has people on it who hear each other or wait for each other. */
export function isLive(phase: CallPhase | undefined): boolean {
  return phase === 'talking' || phase === 'hold' || phase === 'consulting' || phase === 'conference'
}
