import createClient, { type Middleware } from 'openapi-fetch'
import { problemFrom } from './problem'
import type { components, paths } from './schema'

export type Schemas = components['schemas']

let csrf: string | null = null
let onSignedOut: (() => void) | null = null

/** The token of the session, sent with each changing request. */
export function setCsrf(token: string | null): void {
  csrf = token
}

/** Called when the server says that the session is over. */
export function whenSignedOut(handler: () => void): void {
  onSignedOut = handler
}

const session: Middleware = {
  onRequest({ request }) {
    if (csrf !== null && request.method !== 'GET') request.headers.set('X-CSRF', csrf)
    return request
  },
  onResponse({ response, schemaPath }) {
    if (response.status === 401 && !schemaPath.endsWith('/session')) onSignedOut?.()
    return undefined
  },
}

/** Typed REST client, generated from the server's OpenAPI description. */
export const api = createClient<paths>({ baseUrl: '/', credentials: 'same-origin', fetch: request => globalThis.fetch(request) })
api.use(session)

interface Answer<T> { data?: T, error?: unknown, response: Response }

/** The body of an answer, or an `ApiProblem` thrown with the server's own words. */
export async function body<T>(answer: Promise<Answer<T>>): Promise<NonNullable<T>> {
  const { data, error, response } = await answer
  if (!response.ok || data === undefined || data === null) throw problemFrom(response.status, error)
  return data
}
