import { ref } from 'vue'
import { useReasons } from '@/api/lists'
import { useDesk } from './desk'
import { isUnfinished } from './model'
import { useWork } from './work'

/** The question whether an unfinished wrap-up is to be left, while it is being asked. */
const leaving = ref(false)

/** Going ready and not ready; an agent who is signed out signs in on the way. */
export function useAvailability() {
  const { desk, act, lost } = useDesk()
  const { saved } = useWork()
  const reasons = useReasons()

  async function present(): Promise<boolean> {
    return desk.value?.agent.state !== 'signed_out' || act('agent.sign_in')
  }
  /** Asks first when a ticket of the last call is still open on the desk: going ready takes it away. */
  async function goReady(): Promise<boolean> {
    if (isUnfinished(desk.value) && !saved.value) {
      leaving.value = true
      return false
    }
    return leave()
  }
  /** Goes ready whatever is on the desk. */
  async function leave(): Promise<boolean> {
    leaving.value = false
    return await present() && act('agent.ready')
  }
  async function goNotReady(reason: string): Promise<boolean> {
    return await present() && act('agent.not_ready', { reason })
  }
  /** The key for it: out of ready by the first reason, into ready from anywhere else but wrap-up, which has its own end. */
  async function toggle(): Promise<void> {
    const state = desk.value?.agent.state
    if (lost.value || !state || state === 'wrap_up') return
    if (state === 'ready') await goNotReady(reasons.first.value)
    else await goReady()
  }
  return { leaving, goReady, leave, goNotReady, toggle }
}
