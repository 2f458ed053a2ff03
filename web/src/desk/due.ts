export interface Preset { word: 'in_one_hour' | 'today_evening' | 'tomorrow_morning', at: string }

/** The times that agents promise most: in an hour, today at 18:00 (until 17:00), tomorrow at 10:00. Local time zone. */
export function presets(now: Date): Preset[] {
  const hour = new Date(now.getTime() + 3_600_000)
  hour.setSeconds(0, 0)
  hour.setMinutes(Math.ceil(hour.getMinutes() / 5) * 5)
  const found: Preset[] = [{ word: 'in_one_hour', at: hour.toISOString() }]
  if (now.getHours() < 17) found.push({ word: 'today_evening', at: at(now, 0, 18) })
  found.push({ word: 'tomorrow_morning', at: at(now, 1, 10) })
  return found
}

function at(from: Date, days: number, hour: number): string {
  return new Date(from.getFullYear(), from.getMonth(), from.getDate() + days, hour).toISOString()
}

/** An ISO instant as the value of a `datetime-local` field, in the reader's zone. */
export function toLocal(instant: string): string {
  const d = new Date(instant)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}`
}

/** The value of a `datetime-local` field as an ISO instant. */
export function fromLocal(text: string): string {
  return new Date(text).toISOString()
}
