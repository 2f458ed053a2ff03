import { phoneNumber } from '@/design/format'

/** How the server names a ticket until somebody gives it a title: in the programme's language, with the caller. */
const OF_CALL = /^(?:Chiamata da|Call from) (.+)$/

/** A ticket's title in the reader's words; null when it has none of its own. */
export function ownTitle(title: string, t: (key: string, values: Record<string, unknown>) => string): string | null {
  const caller = OF_CALL.exec(title)?.[1]
  if (!caller) return title || null
  return t('ticket.call_from', { caller: caller.startsWith('+') ? phoneNumber(caller) : caller })
}
