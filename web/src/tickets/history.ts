import { dayOf } from '@/design/zone'
import type { Ticket } from './queries'

type Contact = Ticket['contacts'][number]
type Note = Ticket['notes'][number]
type Row = Ticket['history'][number]

export type Event =
  | { kind: 'contact', at: string, contact: Contact }
  | { kind: 'note', at: string, note: Note }
  | { kind: 'change', at: string, who: string | null, what: string, rows: Row[] }

export interface Day { day: string, events: Event[] }

/** What the history says twice: a note and a contact are shown as themselves. */
const SHOWN_ELSEWHERE = new Set(['note', 'note_added', 'draft', 'contact'])

/** Fields whose change a reader wants to see; the others only repeat what the event's own word says. */
const TOLD = new Set(['title', 'topic_id', 'priority', 'due', 'owner_name'])

/** The history's rows of one moment, kind and person as one change, with the fields worth telling. */
export function changes(history: Row[]): Extract<Event, { kind: 'change' }>[] {
  const found = new Map<string, Extract<Event, { kind: 'change' }>>()
  for (const row of history) {
    if (SHOWN_ELSEWHERE.has(row.kind)) continue
    const key = `${row.at} ${row.kind} ${row.who ?? ''}`
    const change = found.get(key) ?? { kind: 'change' as const, at: row.at, who: row.who, what: row.kind, rows: [] }
    if (row.kind === 'edited' && row.field && TOLD.has(row.field)) change.rows.push(row)
    found.set(key, change)
  }
  return [...found.values()]
}

/** Everything that happened to a ticket, oldest first, by day of the programme. */
export function story(ticket: Ticket): Day[] {
  const events: Event[] = [
    ...ticket.contacts.map(contact => ({ kind: 'contact' as const, at: contact.at, contact })),
    ...ticket.notes.map(note => ({ kind: 'note' as const, at: note.at, note })),
    ...changes(ticket.history),
  ].sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
  const days: Day[] = []
  for (const event of events) {
    const day = dayOf(event.at)
    const last = days[days.length - 1]
    if (last?.day === day) last.events.push(event)
    else days.push({ day, events: [event] })
  }
  return days
}
