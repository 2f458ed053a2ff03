import { computed, ref, watch, type Ref } from 'vue'
import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { api, body, type Schemas } from '@/api/client'
import { rights } from '@/api/rights'
import { queries } from '@/api/session'

export type Ticket = Schemas['Ticket']
export type TicketLine = Schemas['TicketLine']
export type TicketView = 'mine' | 'team' | 'handed_over' | 'due_today' | 'overdue' | 'open' | 'resolved' | 'all'

/** Rows that come at once, and the most that the server gives in one answer. */
const PAGE = 50
const MOST = 200

/** The first tickets of a view; `more` brings the next ones, as far as one answer goes. */
export function useTickets(view: Ref<TicketView>, text: Ref<string>) {
  const limit = ref(PAGE)
  watch([view, text], () => { limit.value = PAGE })
  const query = useQuery({
    queryKey: computed(() => ['tickets', view.value, text.value, limit.value]),
    queryFn: () => body(api.GET('/api/tickets', { params: { query: { view: view.value, q: text.value || undefined, limit: limit.value } } })),
    enabled: rights.readTickets, refetchInterval: 30_000, placeholderData: keepPreviousData,
  })
  const left = computed(() => (query.data.value?.total ?? 0) - (query.data.value?.items.length ?? 0))
  const hasMore = computed(() => left.value > 0 && limit.value < MOST)
  function more(): void {
    limit.value = Math.min(MOST, limit.value + PAGE)
  }
  return { ...query, hasMore, more }
}

/** How many tickets stand in each view, for the rail and the list of views. */
export function useTicketCounts() {
  const query = useQuery({
    queryKey: ['tickets', 'counts'],
    queryFn: () => body(api.GET('/api/tickets', { params: { query: { view: 'mine' } } })),
    enabled: rights.readTickets, refetchInterval: 60_000,
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
