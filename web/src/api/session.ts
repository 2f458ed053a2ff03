import { computed, ref } from 'vue'
import { QueryClient } from '@tanstack/vue-query'
import { api, body, setCsrf, whenSignedOut, type Schemas } from './client'
import { ApiProblem } from './problem'
import { setLanguage, type Language } from '@/i18n'

export type Me = Schemas['Me']
export type Role = Me['roles'][number]

export const queries = new QueryClient({
  defaultOptions: {
    queries: { retry: (count, error) => count < 2 && !(error instanceof ApiProblem && error.status < 500), staleTime: 5_000, refetchOnWindowFocus: true },
  },
})

/** Who is signed in; null when nobody, undefined while not asked yet. */
export const me = ref<Me | null | undefined>(undefined)
export const isAgent = computed(() => Boolean(me.value?.agent_id) && hasRole('agent'))

export function hasRole(...roles: Role[]): boolean {
  return roles.some(role => me.value?.roles.includes(role))
}

function take(found: Me): void {
  me.value = found
  setCsrf(found.csrf)
  setLanguage(found.language)
}

/** The session is over. What an agent has typed and the server has not yet got stays in the tab (`desk/work.ts`). */
function forget(): void {
  me.value = null
  setCsrf(null)
  queries.clear()
}

/** A change of the password on its way: the old session may end a moment before the new one is here. */
let renewing: Promise<Me> | null = null

whenSignedOut(() => { if (!renewing) forget() })

/** Asks the server who this browser is. */
export async function loadSession(): Promise<void> {
  try {
    take(await body(api.GET('/api/session')))
  } catch (problem) {
    if (!(problem instanceof ApiProblem) || problem.status !== 401) throw problem
    me.value = null
  }
}

/**
 * A socket that was opened under the token `csrf` says that its session is over. It may only have been renewed (a new
 * password ends the old one): resolves to true then, else the session is over for the page too.
 */
export async function renewed(csrf: string | undefined): Promise<boolean> {
  if (renewing) await renewing.catch(() => undefined)
  await loadSession().catch(() => { me.value = null })
  if (me.value && me.value.csrf !== csrf) return true
  forget()
  return false
}

export async function signIn(login: string, password: string): Promise<void> {
  take(await body(api.POST('/api/session', { body: { login, password } })))
}

/** Sets a new password; the other sessions of this account end, this one goes on under a new token. */
export async function changePassword(current: string, fresh: string): Promise<void> {
  renewing = body(api.POST('/api/session/password', { body: { current, new: fresh } }))
  try {
    take(await renewing)
  } finally {
    renewing = null
  }
}

export async function signOut(): Promise<void> {
  await body(api.DELETE('/api/session'))
  forget()
}

/** Changes the language here at once, and on the server for the next time. */
export async function chooseLanguage(language: Language): Promise<void> {
  setLanguage(language)
  if (!me.value) return
  me.value = { ...me.value, language }
  await body(api.PATCH('/api/session', { body: { language } }))
}
