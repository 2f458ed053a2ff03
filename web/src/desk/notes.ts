import { api, body } from '@/api/client'
import { ApiProblem } from '@/api/problem'
import { me } from '@/api/session'

const KEY = 'onecall.work.'

/** What stands in the form of one call: kept in the tab until the server has the note. */
export interface Kept<Form> {
  /** Who wrote it: nobody else's session may send it. */
  user: string
  ticket: string | null
  form: Form
  /** The note as the server has it: as the ticket's draft, or with the last saved outcome. */
  sent: string
  noted: string
  saved: { at: number, print: string } | null
}

export function keepWork<Form>(interaction: string, work: Omit<Kept<Form>, 'user'>): void {
  if (me.value) sessionStorage.setItem(KEY + interaction, JSON.stringify({ ...work, user: me.value.user_id }))
}

/** What this person had in the form of that call, or null. */
export function keptWork<Form>(interaction: string): Kept<Form> | null {
  const text = sessionStorage.getItem(KEY + interaction)
  const kept = text ? JSON.parse(text) as Kept<Form> : null
  return kept && kept.user === me.value?.user_id ? kept : null
}

/**
 * Sends the notes of calls that have left the desk to their tickets, and forgets each one only when the server has it.
 * Resolves to whether one must be tried again; a note whose ticket is gone or closed to this person stays in the tab.
 */
export async function sendLeftNotes(present: string | null): Promise<boolean> {
  let again = false
  for (const key of Object.keys(sessionStorage).filter(each => each.startsWith(KEY) && each !== KEY + (present ?? ''))) {
    const kept = keptWork<{ note: string }>(key.slice(KEY.length))
    if (!kept) continue
    try {
      if (kept.form.note !== kept.sent && kept.form.note !== kept.noted) {
        if (!kept.ticket) continue
        await body(api.PUT('/api/tickets/{ticket_id}/draft', { params: { path: { ticket_id: kept.ticket } }, body: { text: kept.form.note } }))
      }
      sessionStorage.removeItem(key)
    } catch (error) {
      again ||= !(error instanceof ApiProblem) || error.status === 0 || error.status >= 500
    }
  }
  return again
}
