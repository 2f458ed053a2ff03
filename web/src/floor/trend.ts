import { reactive, watch } from 'vue'
import { useFloor } from './floor'

/** Points kept per queue; with one each half minute this is the last quarter of an hour that the page has seen. */
const POINTS = 30
const EVERY = 30_000
const trends = reactive(new Map<string, number[]>())
let last = 0

/** Service level of each queue as this page has seen it move: the page's own memory, lost with a reload. */
export function useTrends() {
  const { floor } = useFloor()
  watch(floor, now => {
    if (!now || Date.now() - last < EVERY) return
    last = Date.now()
    for (const queue of now.queues) {
      if (queue.today.service_level === null) continue
      trends.set(queue.id, [...trends.get(queue.id) ?? [], queue.today.service_level].slice(-POINTS))
    }
  }, { immediate: true })
  return (id: string) => trends.get(id) ?? []
}
