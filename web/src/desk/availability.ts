import { useDesk } from './desk'

/** Going ready and not ready; an agent who is signed out signs in on the way. */
export function useAvailability() {
  const { desk, act, phone } = useDesk()

  async function present(): Promise<boolean> {
    return desk.value?.agent.state !== 'signed_out' || act('agent.sign_in')
  }
  async function goReady(): Promise<boolean> {
    return await present() && act('agent.ready')
  }
  async function goNotReady(reason: string): Promise<boolean> {
    return await present() && act('agent.not_ready', { reason })
  }
  return { goReady, goNotReady, phone }
}
