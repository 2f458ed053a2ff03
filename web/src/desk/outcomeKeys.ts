import { OUTCOMES, type OutcomeChoice } from './outcomes'
import type { Outcome } from './work'

const STEPS: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }

/** The keys of a group of outcomes that has the focus, as of any radio group: 1 2 3 choose, arrows choose the next one. */
export function outcomeByKey(event: KeyboardEvent, now: Outcome | null, choices: readonly OutcomeChoice[] = OUTCOMES): Outcome | null {
  const digit = choices.find(outcome => outcome.key === event.key)
  if (digit) return digit.id
  const step = STEPS[event.key]
  if (step === undefined) return null
  const at = choices.findIndex(outcome => outcome.id === now)
  const next = at < 0 ? (step > 0 ? 0 : choices.length - 1) : (at + step + choices.length) % choices.length
  return choices[next]!.id
}

/** Only one radio of a group is a stop of the Tab key: the chosen one, else the first. */
export function tabStop(outcome: Outcome, now: Outcome | null): 0 | -1 {
  return outcome === (now ?? OUTCOMES[0]!.id) ? 0 : -1
}
