import { expect, it, vi } from 'vitest'
import { afterPaint, FRAME_LIMIT } from '@/desk/painted'
import { soon } from './soon'

it('speaks after the frame that shows the change, not before it', async () => {
  let frame: FrameRequestCallback = () => undefined
  vi.stubGlobal('requestAnimationFrame', (callback: FrameRequestCallback) => { frame = callback; return 1 })
  const order: string[] = []
  await afterPaint(() => order.push('said'))
  expect(order).toEqual([])
  frame(0)
  order.push('frame')
  await soon(() => expect(order).toEqual(['frame', 'said']))
  vi.unstubAllGlobals()
})

it('speaks once after a short wait in a hidden tab, which gets no frames', async () => {
  vi.useFakeTimers()
  vi.stubGlobal('requestAnimationFrame', () => 1)
  const said = vi.fn()
  await afterPaint(said)
  await vi.advanceTimersByTimeAsync(FRAME_LIMIT - 1)
  expect(said).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1)
  expect(said).toHaveBeenCalledTimes(1)
  vi.unstubAllGlobals()
})
