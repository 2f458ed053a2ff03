import type { Ticket } from './queries'

type Contact = Ticket['contacts'][number]
type Note = Ticket['notes'][number]
type Row = Ticket['history'][number]

export type Event =
  | { kind: 'contact', at: string, contact: Contact }
  | { kind: 'note', at: string, note: Note }
  | { kind: 'change', at: string, row: Row }

export interface Day { day: string, events: Event[] }

/** What the history says twice: a note and a contact are shown as themselves. */
const SHOWN_ELSEWHERE = new Set(['note', 'note_added', 'draft', 'contact'])

/** Everything that happened to a ticket, oldest first, by local day. */
export function story(ticket: Ticket): Day[] {
  const events: Event[] = [
    ...ticket.contacts.map(contact => ({ kind: 'contact' as const, at: contact.at, contact })),
    ...ticket.notes.map(note => ({ kind: 'note' as const, at: note.at, note })),
    ...ticket.history.filter(row => !SHOWN_ELSEWHERE.has(row.kind)).map(row => ({ kind: 'change' as const, at: row.at, row })),
  ].sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
  const days: Day[] = []
  for (const event of events) {
    const day = new Date(event.at).toDateString()
    const last = days[days.length - 1]
    if (last?.day === day) last.events.push(event)
    else days.push({ day, events: [event] })
  }
  return days
}
