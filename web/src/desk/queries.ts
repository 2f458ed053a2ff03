import { computed, watch, type Ref } from 'vue'
import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { api, body } from '@/api/client'
import { isAgent, queries } from '@/api/session'
import { useDesk } from './desk'

/** The agent's own figures of today; asked again when a call is over. */
export function useMyDay() {
  const { desk } = useDesk()
  watch(() => desk.value?.call?.interaction_id ?? null, (now, before) => { if (before && !now) void queries.invalidateQueries({ queryKey: ['my-day'] }) })
  return useQuery({ queryKey: ['my-day'], queryFn: () => body(api.GET('/api/me/day')), enabled: isAgent, refetchInterval: 60_000, staleTime: 30_000 })
}

/** Who and what a call can go to, with states as of now. */
export function useDirectory(open: Ref<boolean>, text: Ref<string>) {
  return useQuery({
    queryKey: computed(() => ['directory', text.value]),
    queryFn: () => body(api.GET('/api/directory', { params: { query: { q: text.value } } })),
    enabled: open, refetchInterval: 4_000, staleTime: 1_000, placeholderData: keepPreviousData,
  })
}
