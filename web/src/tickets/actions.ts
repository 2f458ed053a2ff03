import { useToast } from '@nuxt/ui/composables'
import { api, body } from '@/api/client'
import { ApiProblem } from '@/api/problem'
import { queries } from '@/api/session'
import { i18n } from '@/i18n'
import { ticketChanged, type Ticket } from './queries'

/** Carries out a change of a ticket and shows the new ticket at once; a refusal is told and false returned. */
export async function change(work: Promise<Ticket>): Promise<boolean> {
  try {
    const ticket = await work
    queries.setQueryData(['ticket', ticket.id], ticket)
    await ticketChanged()
    return true
  } catch (error) {
    const words = error instanceof ApiProblem ? { title: error.what, description: error.remedy } : { title: i18n.global.t('problem.no_server') }
    useToast().add({ color: 'error', icon: 'i-lucide-circle-x', ...words })
    if (error instanceof ApiProblem && error.status === 409) await ticketChanged(undefined)
    return false
  }
}

export function takeTicket(id: string): Promise<boolean> {
  return change(body(api.POST('/api/tickets/{ticket_id}/take', { params: { path: { ticket_id: id } } })))
}

export function resolveTicket(id: string, note: string): Promise<boolean> {
  return change(body(api.POST('/api/tickets/{ticket_id}/resolve', { params: { path: { ticket_id: id } }, body: note ? { note } : {} })))
}

export function reopenTicket(id: string, note: string): Promise<boolean> {
  return change(body(api.POST('/api/tickets/{ticket_id}/reopen', { params: { path: { ticket_id: id } }, body: note ? { note } : {} })))
}
