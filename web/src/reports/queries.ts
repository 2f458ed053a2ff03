import { computed, type Ref } from 'vue'
import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { api, body, type Schemas } from '@/api/client'
import { hasRole } from '@/api/session'

export type RecallReport = Schemas['RecallReport']
export type RecallFigure = Schemas['RecallFigure']
export type GroupRow = Schemas['GroupRow']

export function useTodayReport() {
  return useQuery({ queryKey: ['report', 'today'], queryFn: () => body(api.GET('/api/reports/today')), enabled: computed(() => hasRole('team_leader', 'supervisor', 'quality', 'administrator')), refetchInterval: 30_000 })
}

export function useRecallReport(from: Ref<string>, to: Ref<string>) {
  return useQuery({
    queryKey: computed(() => ['report', 'recall', from.value, to.value]),
    queryFn: () => body(api.GET('/api/reports/recall', { params: { query: { from: from.value, to: to.value } } })),
    placeholderData: keepPreviousData,
  })
}
