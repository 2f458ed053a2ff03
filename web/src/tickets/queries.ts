import { computed, type Ref } from 'vue'
import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { api, body, type Schemas } from '@/api/client'
import { me, queries } from '@/api/session'

export type Ticket = Schemas['Ticket']
export type TicketLine = Schemas['TicketLine']
export type TicketView = 'mine' | 'team' | 'handed_over' | 'due_today' | 'overdue' | 'open' | 'resolved' | 'all'

const signedIn = computed(() => Boolean(me.value))

export function useTickets(view: Ref<TicketView>, text: Ref<string>) {
  return useQuery({
    queryKey: computed(() => ['tickets', view.value, text.value]),
    queryFn: () => body(api.GET('/api/tickets', { params: { query: { view: view.value, q: text.value || undefined } } })),
    enabled: signedIn, refetchInterval: 30_000, placeholderData: keepPreviousData,
  })
}

/** How many tickets stand in each view, for the rail and the list of views. */
export function useTicketCounts() {
  const query = useQuery({
    queryKey: ['tickets', 'counts'],
    queryFn: () => body(api.GET('/api/tickets', { params: { query: { view: 'mine' } } })),
    enabled: signedIn, refetchInterval: 60_000,
  })
  return computed(() => query.data.value?.counts)
}

export function useTicket(id: Ref<string | null | undefined>) {
  return useQuery({
    queryKey: computed(() => ['ticket', id.value]),
    queryFn: () => body(api.GET('/api/tickets/{ticket_id}', { params: { path: { ticket_id: id.value! } } })),
    enabled: computed(() => Boolean(id.value)),
  })
}

/** Everything that shows tickets is asked again after a change. */
export async function ticketChanged(id?: string): Promise<void> {
  await Promise.all([
    queries.invalidateQueries({ queryKey: ['tickets'] }),
    id ? queries.invalidateQueries({ queryKey: ['ticket', id] }) : Promise.resolve(),
  ])
}
