import { computed, type Ref } from 'vue'
import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { api, body, type Schemas } from '@/api/client'
import { rights } from '@/api/rights'

export type RecallReport = Schemas['RecallReport']
export type RecallFigure = Schemas['RecallFigure']
export type GroupRow = Schemas['GroupRow']

export function useTodayReport() {
  return useQuery({ queryKey: ['report', 'today'], queryFn: () => body(api.GET('/api/reports/today')), enabled: rights.reports, refetchInterval: 30_000 })
}

/** The calls behind the figure, asked for when somebody looks. */
export function useRecallPairs(from: Ref<string>, to: Ref<string>, topic: Ref<string | null>, open: Ref<boolean>) {
  return useQuery({
    queryKey: computed(() => ['report', 'pairs', from.value, to.value, topic.value]),
    queryFn: () => body(api.GET('/api/reports/recall/pairs', { params: { query: { from: from.value, to: to.value, topic: topic.value ?? undefined } } })),
    enabled: open,
  })
}

export function useRecallReport(from: Ref<string>, to: Ref<string>) {
  return useQuery({
    queryKey: computed(() => ['report', 'recall', from.value, to.value]),
    queryFn: () => body(api.GET('/api/reports/recall', { params: { query: { from: from.value, to: to.value } } })),
    placeholderData: keepPreviousData,
  })
}
