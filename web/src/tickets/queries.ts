import { computed, type Ref } from 'vue'
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/vue-query'
import { api, body, type Schemas } from '@/api/client'
import { rights } from '@/api/rights'
import { queries } from '@/api/session'

export type Ticket = Schemas['Ticket']
export type TicketLine = Schemas['TicketLine']
export type TicketView = 'mine' | 'team' | 'handed_over' | 'due_today' | 'overdue' | 'open' | 'resolved' | 'all'

/** Rows that come at once. */
const PAGE = 50

/** The tickets of a view, page by page: `more` brings the next ones. */
export function useTickets(view: Ref<TicketView>, text: Ref<string>) {
  const query = useInfiniteQuery({
    queryKey: computed(() => ['tickets', 'list', view.value, text.value]),
    queryFn: ({ pageParam }) => body(api.GET('/api/tickets', { params: { query: { view: view.value, q: text.value || undefined, limit: PAGE, cursor: pageParam ?? undefined } } })),
    initialPageParam: null as string | null, getNextPageParam: page => page.next,
    enabled: rights.readTickets, refetchInterval: 30_000, placeholderData: keepPreviousData,
  })
  const latest = computed(() => query.data.value?.pages.at(-1))
  // A ticket that changed while the pages came may stand in two of them.
  const rows = computed(() => [...new Map((query.data.value?.pages ?? []).flatMap(page => page.items).map(row => [row.id, row])).values()])
  function more(): void {
    if (query.hasNextPage.value && !query.isFetchingNextPage.value) void query.fetchNextPage()
  }
  return { ...query, rows, total: computed(() => latest.value?.total), counts: computed(() => latest.value?.counts ?? {}), more }
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
