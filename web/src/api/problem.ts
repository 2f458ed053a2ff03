/** A refusal by the server, in words for the reader; `code` is stable and decides what a screen does about it. */
export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly what: string,
    readonly remedy: string,
    readonly values: Record<string, unknown> = {},
  ) {
    super(what)
  }
}

interface ErrorAnswer { error?: { code?: string, what?: string, remedy?: string, values?: Record<string, unknown> } }

/** Reads the server's error body; anything else (a proxy's page, an empty body) becomes a plain problem. */
export function problemFrom(status: number, body: unknown): ApiProblem {
  const error = (body as ErrorAnswer | null | undefined)?.error
  return new ApiProblem(status, error?.code ?? 'unexpected', error?.what ?? `HTTP ${status}`, error?.remedy ?? '', error?.values ?? {})
}
