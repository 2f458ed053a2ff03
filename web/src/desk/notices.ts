import { computed, ref } from 'vue'
import { useDesk } from './desk'

const KEY = 'onecall.notices'

/** The last notice read: numbers begin anew with each life (`epoch`) of the routing. Kept in the tab, so that a reload repeats nothing. */
const read = ref<{ epoch: string, seq: number }>(JSON.parse(sessionStorage.getItem(KEY) ?? '{"epoch":"","seq":0}') as { epoch: string, seq: number })

/** The agent's notices, newest first, and how many are unread. */
export function useNotices() {
  const { desk } = useDesk()
  const notices = computed(() => [...desk.value?.notices ?? []].reverse())
  const unread = computed(() => notices.value.filter(notice => desk.value?.epoch !== read.value.epoch || notice.seq > read.value.seq).length)
  function markRead(): void {
    if (!desk.value) return
    read.value = { epoch: desk.value.epoch, seq: Math.max(desk.value.seq, notices.value[0]?.seq ?? 0) }
    sessionStorage.setItem(KEY, JSON.stringify(read.value))
  }
  return { notices, unread, markRead }
}
