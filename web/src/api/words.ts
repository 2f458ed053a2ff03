import { i18n } from '@/i18n'
import { ApiProblem } from './problem'

/** A refusal in the reader's language: our own words for its code, else the server's, else that nobody answered. */
export function problemWords(error: unknown): string {
  const { t, te } = i18n.global
  if (!(error instanceof ApiProblem) || error.status === 0) return t('problem.no_server')
  const key = `refused.${error.code}`
  return te(key) ? t(key) : `${error.what} ${error.remedy}`.trim()
}
