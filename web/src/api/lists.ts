import { computed } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { useI18n } from 'vue-i18n'
import { api, body, type Schemas } from './client'

const LONG = 5 * 60_000

export interface TopicChoice { id: string, label: string, parent: string, name: string, frontLine: boolean, programme: string | null }

/** Leaves of the topic tree as `Parent › Child`, in the reader's language, in the tree's order. */
export function topicChoices(topics: Schemas['Topic'][], language: 'it' | 'en'): TopicChoice[] {
  const byId = new Map(topics.map(topic => [topic.id, topic]))
  const parents = new Set(topics.map(topic => topic.parent_id).filter(Boolean))
  return topics.filter(topic => !parents.has(topic.id)).map(topic => {
    const above: string[] = []
    for (let up = topic.parent_id ? byId.get(topic.parent_id) : undefined; up; up = up.parent_id ? byId.get(up.parent_id) : undefined) above.unshift(up.name[language])
    const name = topic.name[language]
    return { id: topic.id, name, parent: above.join(' › '), label: [...above, name].join(' › '), frontLine: topic.front_line ?? true, programme: topic.programme_id ?? null }
  })
}

export function useTopics() {
  const { locale } = useI18n()
  const query = useQuery({ queryKey: ['topics'], queryFn: () => body(api.GET('/api/topics')), staleTime: LONG })
  const choices = computed(() => topicChoices(query.data.value?.items ?? [], locale.value === 'it' ? 'it' : 'en'))
  const names = computed(() => new Map((query.data.value?.items ?? []).map(topic => [topic.id, topic.name[locale.value === 'it' ? 'it' : 'en']])))
  /** The topic's words: the whole path of a leaf, the name of a branch, or the id itself when unknown. */
  const label = (id: string | null | undefined) => id ? choices.value.find(choice => choice.id === id)?.label ?? names.value.get(id) ?? id : ''
  return { ...query, choices, label }
}

/** The programmes there are, and the recall window of one of them in hours (null while not known). */
export function useProgrammes() {
  const query = useQuery({ queryKey: ['programmes'], queryFn: () => body(api.GET('/api/programmes')), staleTime: LONG })
  const items = computed(() => query.data.value?.items ?? [])
  const recallHours = (id: string | null | undefined) => items.value.find(programme => programme.id === id)?.recall_hours ?? null
  return { ...query, items, recallHours }
}

export function useCauses() {
  const { locale } = useI18n()
  const query = useQuery({ queryKey: ['causes'], queryFn: () => body(api.GET('/api/causes')), staleTime: LONG })
  const choices = computed(() => (query.data.value?.items ?? []).map(cause => ({ value: cause.id, label: cause.name[locale.value === 'it' ? 'it' : 'en'] })))
  const label = (id: string | null | undefined) => choices.value.find(cause => cause.value === id)?.label ?? id ?? ''
  return { ...query, choices, label }
}

export function useReasons() {
  const { locale } = useI18n()
  const query = useQuery({ queryKey: ['reasons'], queryFn: () => body(api.GET('/api/reasons')), staleTime: LONG })
  const all = computed(() => (query.data.value?.items ?? []).map(reason => ({ id: reason.id, label: reason.name[locale.value === 'it' ? 'it' : 'en'], system: reason.system ?? false })))
  const choices = computed(() => all.value.filter(reason => !reason.system))
  /** The reason of the plain break, offered first. */
  const first = computed(() => choices.value[0]?.id ?? 'break')
  const label = (id: string | null | undefined) => id ? all.value.find(reason => reason.id === id)?.label ?? id : undefined
  return { ...query, choices, first, label }
}
