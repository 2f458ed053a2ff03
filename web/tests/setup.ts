import { afterEach, vi } from 'vitest'

;(window as unknown as { happyDOM: { setViewport(size: { width: number, height: number }): void } }).happyDOM.setViewport({ width: 1440, height: 900 })

afterEach(() => {
  vi.useRealTimers()
  sessionStorage.clear()
  document.body.innerHTML = ''
})
