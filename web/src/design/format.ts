/** Seconds as `mm:ss`, or `h:mm:ss` from one hour on; never negative. */
export function mmss(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const h = Math.floor(whole / 3600)
  const m = Math.floor((whole % 3600) / 60)
  const s = String(whole % 60).padStart(2, '0')
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${s}` : `${String(m).padStart(2, '0')}:${s}`
}

/** Seconds between an ISO instant and `now` (epoch ms); 0 when the instant is absent. */
export function secondsSince(instant: string | null | undefined, now: number): number {
  return instant ? Math.max(0, (now - Date.parse(instant)) / 1000) : 0
}

/** An E.164 number grouped for reading aloud; Italian mobiles as +39 347 555 0142, others in threes. */
export function phoneNumber(number: string | null | undefined): string {
  if (!number) return ''
  const italian = /^\+39(3\d{2})(\d{3})(\d{3,4})$/.exec(number)
  if (italian) return `+39 ${italian[1]} ${italian[2]} ${italian[3]}`
  const other = /^\+(39)(\d+)$/.exec(number) ?? /^\+(1|7|2[07]|3[0-46]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])(\d+)$/.exec(number)
  if (!other) return number
  return `+${other[1]} ${other[2]!.replace(/(\d{3})(?=\d{3,})/g, '$1 ')}`
}

/** Initials for an avatar: first letters of the first and the last word. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean)
  const first = words[0]?.[0] ?? ''
  const last = words.length > 1 ? words[words.length - 1]![0] ?? '' : ''
  return (first + last).toUpperCase()
}

export interface Span { late: boolean, days: number, hours: number, minutes: number }

/** The distance from `now` to a due instant, split for words such as “Late by 18 min” or “Due in 1 h 07 min”. */
export function span(due: string, now: number): Span {
  const difference = Date.parse(due) - now
  const minutes = Math.floor(Math.abs(difference) / 60_000)
  return { late: difference < 0, days: Math.floor(minutes / 1440), hours: Math.floor((minutes % 1440) / 60), minutes: minutes % 60 }
}

/** A share as a percentage text, `81.6%` or `86%`; an en dash when there is no figure. */
export function percent(share: number | null | undefined, locale: string, digits = 0): string {
  if (share === null || share === undefined) return '–'
  return share.toLocaleString(locale, { style: 'percent', minimumFractionDigits: digits, maximumFractionDigits: digits }).replace(/\s/g, '')
}
