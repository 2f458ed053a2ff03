import { dayOf, instantOf, wall } from '@/design/zone'

export interface Preset { word: 'in_one_hour' | 'today_evening' | 'tomorrow_morning', at: string }

/** The times that agents promise most: in an hour, today at 18:00 (until 17:00), tomorrow at 10:00. The programme's time zone. */
export function presets(now: Date): Preset[] {
  const inAnHour = wall(now.getTime() + 3_600_000)
  const hour = instantOf(inAnHour.year, inAnHour.month, inAnHour.day, inAnHour.hour, Math.ceil(inAnHour.minute / 5) * 5)
  const found: Preset[] = [{ word: 'in_one_hour', at: hour.toISOString() }]
  if (wall(now).hour < 17) found.push({ word: 'today_evening', at: at(now, 0, 18) })
  found.push({ word: 'tomorrow_morning', at: at(now, 1, 10) })
  return found
}

function at(from: Date, days: number, hour: number): string {
  const today = wall(from)
  return instantOf(today.year, today.month, today.day + days, hour).toISOString()
}

/** An ISO instant as the value of a `datetime-local` field, in the programme's zone. */
export function toLocal(instant: string): string {
  const { hour, minute } = wall(instant)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${dayOf(instant)}T${two(hour)}:${two(minute)}`
}

/** The value of a `datetime-local` field as an ISO instant. */
export function fromLocal(text: string): string {
  const [year, month, day, hour, minute] = text.split(/\D/).map(Number)
  return instantOf(year!, month!, day!, hour, minute).toISOString()
}
