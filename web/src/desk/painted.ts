import { nextTick } from 'vue'

/** Longest wait for a frame, ms; a hidden tab gets no frames but its page is up to date all the same. */
export const FRAME_LIMIT = 50

/**
 * Calls `done` once, after the DOM holds the present state and the browser has painted it: a task posted from inside a
 * frame runs after that frame is on screen.
 */
export async function afterPaint(done: () => void): Promise<void> {
  await nextTick()
  let said = false
  const once = () => {
    if (said) return
    said = true
    clearTimeout(fallback)
    done()
  }
  const fallback = setTimeout(once, FRAME_LIMIT)
  requestAnimationFrame(() => {
    const channel = new MessageChannel()
    channel.port1.onmessage = once
    channel.port2.postMessage(null)
  })
}
