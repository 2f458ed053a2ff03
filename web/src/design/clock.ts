import { onScopeDispose, ref, type Ref } from 'vue'

/** Server time minus browser time in milliseconds, learnt from each message that carries the server's `at`. */
let skew = 0
const now = ref(Date.now())
let users = 0
let timer: ReturnType<typeof setInterval> | undefined

/** Learns the server's clock from an ISO instant just received, so that timers agree with the server. */
export function learnServerTime(at: string): void {
  const server = Date.parse(at)
  if (Number.isNaN(server)) return
  const measured = server - Date.now()
  // Network delay only makes the server look late: small differences are delay, not skew.
  skew = Math.abs(measured) < 1500 ? 0 : measured
  now.value = Date.now() + skew
}

/** Epoch milliseconds on the server's clock. */
export function serverNow(): number {
  return Date.now() + skew
}

/** A shared one-second tick (epoch ms, server's clock); one timer for the whole page, stopped when nobody looks. */
export function useNow(): Ref<number> {
  users += 1
  now.value = serverNow()
  timer ??= setInterval(() => { now.value = serverNow() }, 1000)
  onScopeDispose(() => {
    users -= 1
    if (users === 0 && timer !== undefined) {
      clearInterval(timer)
      timer = undefined
    }
  })
  return now
}
