import { vi } from 'vitest'

/** Waits until the expectation holds; generous, because a busy machine is no failure. */
export function soon(expectation: () => unknown): Promise<unknown> {
  return vi.waitFor(expectation, { timeout: 15_000 })
}
