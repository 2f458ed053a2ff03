import type { Outcome } from './work'

/** The three ends of a call, in the order of the keys 1 2 3. */
export const OUTCOMES: readonly { id: Outcome, key: string, icon: string, word: string, why: string }[] = [
  { id: 'resolved', key: '1', icon: 'i-lucide-circle-check', word: 'outcome.resolved', why: 'outcome.resolved_why' },
  { id: 'hand_over', key: '2', icon: 'i-lucide-forward', word: 'outcome.hand_over', why: 'outcome.hand_over_why' },
  { id: 'call_back', key: '3', icon: 'i-lucide-phone-outgoing', word: 'outcome.call_back', why: 'outcome.call_back_why' },
]
