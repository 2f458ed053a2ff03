import { useI18n } from 'vue-i18n'
import { span } from './format'
import { dayOf, zone } from './zone'

/** Instants and durations in the words of the reader's language and the programme's time zone (24-hour clock; dates without year when near). */
export function useWords() {
  const { t, locale } = useI18n()
  const tag = () => (locale.value === 'it' ? 'it-IT' : 'en-GB')
  const format = (instant: string | number | Date, options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(tag(), { timeZone: zone.value, ...options }).format(new Date(instant))

  function time(instant: string | number): string {
    return format(instant, { hour: '2-digit', minute: '2-digit' })
  }
  function timeSeconds(instant: string | number): string {
    return format(instant, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
  }
  function date(instant: string): string {
    return format(instant, { day: 'numeric', month: 'short', year: 'numeric' })
  }
  /** “Today 08:05”, “Mon 23, 16:42” within the week, “14 Oct” before. */
  function moment(instant: string, now: number): string {
    if (dayOf(instant) === dayOf(now)) return t('time.today_at', { time: time(instant) })
    if (Math.abs(now - Date.parse(instant)) < 7 * 86_400_000) {
      const day = format(instant, { weekday: 'short', day: 'numeric' })
      return `${day.charAt(0).toUpperCase()}${day.slice(1)}, ${time(instant)}`
    }
    return format(instant, { day: 'numeric', month: 'short' })
  }
  /** “1 Nov”, of a calendar day `2026-11-01`, which is in no zone. */
  function dayShort(calendarDay: string): string {
    return format(`${calendarDay}T12:00:00Z`, { day: 'numeric', month: 'short', timeZone: 'UTC' })
  }
  function day(instant: string | number): string {
    const words = format(instant, { weekday: 'short', day: 'numeric', month: 'short' })
    return words.charAt(0).toUpperCase() + words.slice(1)
  }
  /** “Fri 27 Nov, 10:47”. */
  function dayTime(instant: string | number): string {
    return `${day(instant)}, ${time(instant)}`
  }
  function length(days: number, hours: number, minutes: number): string {
    if (days > 0) return t('time.days_hours', { d: days, h: hours })
    if (hours > 0) return t('time.hours_minutes', { h: hours, m: String(minutes).padStart(2, '0') })
    return minutes > 0 ? t('time.minutes', { m: minutes }) : t('time.under_a_minute')
  }
  /** “Due in 1 h 07 min” or “Late by 18 min”. */
  function due(instant: string, now: number): string {
    const s = span(instant, now)
    return t(s.late ? 'time.late_by' : 'time.due_in', { span: length(s.days, s.hours, s.minutes) })
  }
  /** “1 h 07 min” while there is time, “Late by 18 min” after. */
  function left(instant: string, now: number): string {
    const s = span(instant, now)
    return s.late ? due(instant, now) : length(s.days, s.hours, s.minutes)
  }
  /** Time between two instants in words: “18 h 05 min”. */
  function between(from: string, to: string | number): string {
    const s = span(new Date(to).toISOString(), Date.parse(from))
    return length(s.days, s.hours, s.minutes)
  }
  function number(value: number, digits = 0): string {
    return value.toLocaleString(tag(), { minimumFractionDigits: digits, maximumFractionDigits: digits })
  }
  /** “2nd”, “2ª”: the ordinal of a call (feminine in Italian). */
  function ordinal(value: number): string {
    if (locale.value === 'it') return `${value}ª`
    const ends: Partial<Record<Intl.LDMLPluralRule, string>> = { one: 'st', two: 'nd', few: 'rd' }
    return `${value}${ends[new Intl.PluralRules('en', { type: 'ordinal' }).select(value)] ?? 'th'}`
  }
  return { ordinal, tag, time, timeSeconds, date, day, dayShort, dayTime, moment, due, left, between, number }
}
