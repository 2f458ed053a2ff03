import { useToast } from '@nuxt/ui/composables'
import { api, body } from '@/api/client'
import { ApiProblem } from '@/api/problem'
import { problemWords } from '@/api/words'
import { queries } from '@/api/session'
import { ticketChanged, type Ticket } from './queries'

/** Changes of a ticket: each shows the new ticket at once and resolves to whether the server carried it out. */
export function useTicketActions() {
  const toast = useToast()

  async function change(work: Promise<Ticket>): Promise<boolean> {
    try {
      const ticket = await work
      queries.setQueryData(['ticket', ticket.id], ticket)
      await ticketChanged()
      return true
    } catch (error) {
      toast.add({ color: 'error', icon: 'i-lucide-circle-x', title: problemWords(error) })
      if (error instanceof ApiProblem && error.status === 409) await queries.invalidateQueries({ queryKey: ['ticket'] })
      return false
    }
  }
  /** Also somebody else's ticket, as it stands on the screen: one that has changed since is looked at again first. */
  function take(id: string): Promise<boolean> {
    const seen = queries.getQueryData<Ticket>(['ticket', id])
    return change(body(api.POST('/api/tickets/{ticket_id}/take', { params: { path: { ticket_id: id } }, body: seen ? { version: seen.version } : {} })))
  }
  function resolve(id: string, note: string): Promise<boolean> {
    return change(body(api.POST('/api/tickets/{ticket_id}/resolve', { params: { path: { ticket_id: id } }, body: note ? { note } : {} })))
  }
  function reopen(id: string, note: string): Promise<boolean> {
    return change(body(api.POST('/api/tickets/{ticket_id}/reopen', { params: { path: { ticket_id: id } }, body: note ? { note } : {} })))
  }
  /** A note; it does not answer with the ticket, so the ticket is asked again. */
  async function note(id: string, text: string): Promise<boolean> {
    try {
      await body(api.POST('/api/tickets/{ticket_id}/notes', { params: { path: { ticket_id: id } }, body: { text } }))
    } catch (error) {
      toast.add({ color: 'error', icon: 'i-lucide-circle-x', title: problemWords(error) })
      return false
    }
    await ticketChanged(id)
    return true
  }
  return { change, take, resolve, reopen, note }
}
