import { i18n } from '@/i18n'
import { ApiProblem } from './problem'

interface Refusal { code: string, what: string, remedy: string }

/** Codes that say only of what kind a refusal is: the server's own sentence, which names the value, stands beside our words. */
const GENERAL = new Set(['error', 'invalid', 'not_found', 'conflict', 'plan', 'expression', 'flow_invalid'])

/** A refusal in the reader's language; one without words of ours in the server's. */
export function refusalWords(refusal: Refusal): string {
  const { t, te } = i18n.global
  const key = `refused.${refusal.code}`
  const told = `${refusal.what} ${refusal.remedy}`.trim()
  if (!te(key)) return told || t('refused.error')
  return GENERAL.has(refusal.code) && told ? `${t(key)} ${told}` : t(key)
}

/** Why a request failed, or that nobody answered. */
export function problemWords(error: unknown): string {
  return error instanceof ApiProblem && error.status !== 0 ? refusalWords(error) : i18n.global.t('problem.no_server')
}
