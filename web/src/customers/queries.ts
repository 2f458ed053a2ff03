import { computed, type Ref } from 'vue'
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/vue-query'
import { api, body } from '@/api/client'

/** Rows that come at once. */
const PAGE = 50

/** The customers found for a text, all of them for none, page by page: `more` brings the next ones. */
export function useCustomers(text: Ref<string>) {
  const query = useInfiniteQuery({
    queryKey: computed(() => ['customers', 'list', text.value]),
    queryFn: ({ pageParam }) => body(api.GET('/api/customers', { params: { query: { q: text.value, limit: PAGE, cursor: pageParam ?? undefined } } })),
    initialPageParam: null as string | null, getNextPageParam: page => page.next, placeholderData: keepPreviousData,
  })
  const rows = computed(() => (query.data.value?.pages ?? []).flatMap(page => page.items))
  return { ...query, rows, more: () => void query.fetchNextPage() }
}

/** A customer's whole story, with the latest contacts. */
export function useCustomer(id: Ref<string | null>) {
  return useQuery({
    queryKey: computed(() => ['customer', id.value]),
    queryFn: () => body(api.GET('/api/customers/{customer_id}', { params: { path: { customer_id: id.value! } } })),
    enabled: computed(() => id.value !== null),
  })
}

/** The contacts before those of the story, which end at the cursor `from`; asked for only when `load` is called. */
export function useEarlierContacts(id: Ref<string | null>, from: Ref<string | null>) {
  const query = useInfiniteQuery({
    queryKey: computed(() => ['customer', id.value, 'contacts', from.value]),
    queryFn: ({ pageParam }) => body(api.GET('/api/customers/{customer_id}/contacts', { params: { path: { customer_id: id.value! }, query: { limit: PAGE, cursor: pageParam ?? from.value ?? undefined } } })),
    initialPageParam: null as string | null, getNextPageParam: page => page.next, enabled: false,
  })
  const rows = computed(() => (query.data.value?.pages ?? []).flatMap(page => page.items))
  const more = computed(() => query.data.value ? query.hasNextPage.value : from.value !== null)
  return { ...query, rows, more, load: () => void (query.data.value ? query.fetchNextPage() : query.refetch()) }
}
