import { createI18n } from 'vue-i18n'
import en from './en'
import it from './it'

export type Language = 'it' | 'en'
/** The shape that both languages fill: a missing Italian phrase does not compile. */
export type Messages = typeof en

const KEY = 'onecall.language'

function first(): Language {
  const stored = localStorage.getItem(KEY)
  if (stored === 'it' || stored === 'en') return stored
  return navigator.language.toLowerCase().startsWith('en') ? 'en' : 'it'
}

export const i18n = createI18n({ legacy: false, locale: first(), fallbackLocale: 'en', messages: { en, it } })
document.documentElement.lang = i18n.global.locale.value

export function setLanguage(language: Language): void {
  i18n.global.locale.value = language
  document.documentElement.lang = language
  localStorage.setItem(KEY, language)
}
