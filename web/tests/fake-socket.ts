import type { Desk } from '@/desk/model'
import { desk as fixture } from '../dev/fixtures'
import { DeskSocket, type Link, type SocketLike } from '@/desk/socket'

/** The server's end of a desk socket, driven by the test. */
export class FakeSocket implements SocketLike {
  readyState = 0
  sent: { type: string, id?: string, cmd?: string, seq?: number | null, epoch?: string | null }[] = []
  onopen: ((event: never) => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  onclose: ((event: { code: number }) => void) | null = null

  send(text: string): void {
    this.sent.push(JSON.parse(text))
  }
  close(): void {
    this.readyState = 3
  }
  open(): void {
    this.readyState = 1
    this.onopen?.(undefined as never)
  }
  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) })
  }
  cut(code = 1006): void {
    this.readyState = 3
    this.onclose?.({ code })
  }
  commands(): string[] {
    return this.sent.filter(message => message.type === 'cmd').map(message => message.cmd!)
  }
}

export function deskOf(scenario: string, seq: number, part: Partial<Desk> = {}): Desk {
  return { ...fixture(scenario, seq), ...part }
}

/** A desk socket with its fakes: `sockets` in the order in which they were opened. */
export function harness() {
  const sockets: FakeSocket[] = []
  const desks: Desk[] = []
  const links: Link[] = []
  let id = 0
  const socket = new DeskSocket({
    url: 'ws://test/api/desk',
    onDesk: desk => desks.push(desk),
    onLink: link => links.push(link),
    makeSocket: () => {
      const made = new FakeSocket()
      sockets.push(made)
      return made
    },
    newId: () => `c${++id}`,
  })
  return { socket, sockets, desks, links, last: () => sockets[sockets.length - 1]! }
}
