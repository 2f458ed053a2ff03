import type { CommandError, Desk, ServerMessage } from './model'

export type LinkPhase = 'connecting' | 'open' | 'lost' | 'replaced' | 'signed_out' | 'closed'

/** How the desk socket stands; `nextTry` is epoch ms of the browser's clock. */
export interface Link {
  phase: LinkPhase
  attempt: number
  nextTry: number | null
  lastHeard: number | null
}

/** A command refused by the server, or dropped because the call it spoke of is gone. */
export class CommandRefused extends Error {
  constructor(readonly code: string, readonly what: string, readonly remedy: string) {
    super(what)
  }
}

interface Pending {
  message: { type: 'cmd', id: string, cmd: string, args: Record<string, unknown> }
  interaction: string | null
  resolve: () => void
  reject: (error: CommandRefused) => void
}

export interface SocketLike {
  readyState: number
  send(text: string): void
  close(code?: number): void
  onopen: ((event: never) => void) | null
  onmessage: ((event: { data: string }) => void) | null
  onclose: ((event: { code: number }) => void) | null
}

export interface DeskSocketOptions {
  url: string
  onDesk: (desk: Desk) => void
  onLink: (link: Link) => void
  onUnavailable?: () => void
  makeSocket?: (url: string) => SocketLike
  newId?: () => string
}

/** Seconds to wait before try 1, 2, 3, ...; the last value repeats. */
export const BACK_OFF = [0.5, 1, 2, 4, 8, 15]
/** Longest wait for the first word of the server on a new socket, ms: a handshake may hang without an error. */
export const OPEN_LIMIT = 8_000
/** Silence after which a socket that used to hear pings counts as dead, ms. */
export const SILENCE_LIMIT = 25_000
/** Codes with which the server refuses the session itself: trying again would not help. */
const REFUSED = new Set([4401, 4403])
const OPEN = 1

/**
 * The desk websocket: each `desk` message replaces the last one, commands are resent after a cut until the server has
 * replied, and the connection is tried again with growing pauses. It never reloads the page.
 */
export class DeskSocket {
  private socket: SocketLike | null = null
  private pending = new Map<string, Pending>()
  private desk: Desk | null = null
  private retry: ReturnType<typeof setTimeout> | undefined
  private silence: ReturnType<typeof setTimeout> | undefined
  private resent = false
  private pinged = false
  link: Link = { phase: 'closed', attempt: 0, nextTry: null, lastHeard: null }

  constructor(private readonly options: DeskSocketOptions) {}

  /** Opens the connection (again); harmless when it is open already. `anew`: a handshake under way is given up for it. */
  open(anew = false): void {
    clearTimeout(this.retry)
    if (anew && this.link.phase !== 'open') this.drop()
    if (this.socket && this.socket.readyState <= OPEN) return
    this.change({ phase: this.link.attempt > 0 ? 'lost' : 'connecting', nextTry: null })
    const make = this.options.makeSocket ?? (url => new WebSocket(url) as unknown as SocketLike)
    const socket = make(this.options.url)
    this.socket = socket
    clearTimeout(this.silence)
    this.silence = setTimeout(() => this.giveUp(), OPEN_LIMIT)
    socket.onopen = () => {
      this.resent = false
      socket.send(JSON.stringify({ type: 'hello', epoch: this.desk?.epoch ?? null, seq: this.desk?.seq ?? null }))
    }
    socket.onmessage = event => this.hear(socket, JSON.parse(event.data) as ServerMessage)
    socket.onclose = event => this.closed(socket, event.code)
  }

  /** Ends for good (sign-out or page change); nothing is tried again. */
  close(): void {
    this.stop('closed')
  }

  /** Gives up the present socket at once and tries anew, used when the browser says the network is gone. */
  suspect(): void {
    if (this.link.phase === 'open') this.giveUp()
  }

  private giveUp(): void {
    if (!this.socket) return
    this.drop()
    this.lost()
  }

  private drop(): void {
    const socket = this.socket
    if (!socket) return
    socket.onclose = null
    socket.onmessage = null
    socket.onopen = null
    this.socket = null
    socket.close()
  }

  /** Sends a command; resolves when the server has carried it out, rejects with its refusal. Survives a cut. */
  command(cmd: string, args: Record<string, unknown> = {}): Promise<void> {
    if (this.link.phase === 'replaced' || this.link.phase === 'signed_out' || this.link.phase === 'closed') return Promise.reject(new CommandRefused('closed', '', ''))
    const id = (this.options.newId ?? randomId)()
    const about = cmd.startsWith('call.') || cmd.startsWith('wrap_up.')
    return new Promise((resolve, reject) => {
      const message = { type: 'cmd' as const, id, cmd, args }
      const interaction = about ? this.desk?.call?.interaction_id ?? null : null
      this.pending.set(id, { message, interaction, resolve, reject })
      if (this.link.phase === 'open') this.write(message)
    })
  }

  /** Says that the desk with this sequence number is on the agent's screen. */
  painted(seq: number): void {
    this.write({ type: 'painted', seq })
  }

  private write(message: object): void {
    if (this.socket?.readyState === OPEN) this.socket.send(JSON.stringify(message))
  }

  private hear(socket: SocketLike, message: ServerMessage): void {
    if (socket !== this.socket) return
    this.link = { ...this.link, lastHeard: Date.now() }
    this.watchSilence(message.type === 'ping')
    switch (message.type) {
      case 'desk': return this.heardDesk(message.desk)
      case 'reply': return this.heardReply(message.id, message.error)
      case 'ping': return this.write({ type: 'pong' })
      case 'unavailable': return this.options.onUnavailable?.()
      case 'refused': return
      case 'signed_out': return this.stop('signed_out')
      case 'replaced': return this.stop('replaced')
    }
  }

  private heardDesk(desk: Desk): void {
    if (this.desk && desk.epoch === this.desk.epoch && desk.seq < this.desk.seq) return
    this.desk = desk
    this.change({ phase: 'open', attempt: 0, nextTry: null })
    this.options.onDesk(desk)
    if (!this.resent) this.resend(desk)
  }

  /** A command about a call that has gone meanwhile must not hit the next call: it is dropped, and said so. */
  private resend(desk: Desk): void {
    this.resent = true
    for (const [id, waiting] of [...this.pending]) {
      if (waiting.interaction !== null && waiting.interaction !== desk.call?.interaction_id) {
        this.pending.delete(id)
        waiting.reject(new CommandRefused('call_gone', '', ''))
      } else {
        this.write(waiting.message)
      }
    }
  }

  private heardReply(id: string, error: CommandError | null | undefined): void {
    const waiting = this.pending.get(id)
    if (!waiting) return
    this.pending.delete(id)
    if (error) waiting.reject(new CommandRefused(error.code, error.what, error.remedy))
    else waiting.resolve()
  }

  private closed(socket: SocketLike, code: number): void {
    if (socket !== this.socket) return
    this.socket = null
    if (this.link.phase === 'replaced' || this.link.phase === 'signed_out' || this.link.phase === 'closed') return
    if (REFUSED.has(code)) this.stop('signed_out')
    else this.lost()
  }

  private lost(): void {
    clearTimeout(this.silence)
    const attempt = this.link.attempt + 1
    const pause = BACK_OFF[Math.min(attempt, BACK_OFF.length) - 1]! * 1000
    this.change({ phase: 'lost', attempt, nextTry: Date.now() + pause })
    this.retry = setTimeout(() => this.open(), pause)
  }

  private watchSilence(ping: boolean): void {
    this.pinged ||= ping
    clearTimeout(this.silence)
    if (this.pinged) this.silence = setTimeout(() => this.suspect(), SILENCE_LIMIT)
  }

  private stop(phase: LinkPhase): void {
    clearTimeout(this.retry)
    clearTimeout(this.silence)
    const socket = this.socket
    this.socket = null
    this.change({ phase, nextTry: null })
    for (const waiting of this.pending.values()) waiting.reject(new CommandRefused('closed', '', ''))
    this.pending.clear()
    if (socket) {
      socket.onclose = null
      socket.close()
    }
  }

  private change(part: Partial<Link>): void {
    this.link = { ...this.link, ...part }
    this.options.onLink(this.link)
  }
}

/** 24 hexadecimal digits that nobody can guess. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
