import type { Outcome } from './work'

export interface OutcomeChoice { id: Outcome, key: string, icon: string, word: string, why: string }

/** The three ends of a call, in the order of the keys 1 2 3. */
export const OUTCOMES: readonly OutcomeChoice[] = [
  { id: 'resolved', key: '1', icon: 'i-lucide-circle-check', word: 'outcome.resolved', why: 'outcome.resolved_why' },
  { id: 'hand_over', key: '2', icon: 'i-lucide-forward', word: 'outcome.hand_over', why: 'outcome.hand_over_why' },
  { id: 'call_back', key: '3', icon: 'i-lucide-phone-outgoing', word: 'outcome.call_back', why: 'outcome.call_back_why' },
]

/** What somebody may say who handed the caller to a colleague: the call went on, and the last one says how it ended. */
const PASSED_ON: OutcomeChoice = { id: 'transferred', key: '4', icon: 'i-lucide-phone-forwarded', word: 'outcome.transferred', why: 'outcome.transferred_why' }

/** What may be chosen at the end of a call. */
export function outcomesOf(passedOn: boolean): readonly OutcomeChoice[] {
  return passedOn ? [...OUTCOMES, PASSED_ON] : OUTCOMES
}
