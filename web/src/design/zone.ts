import { ref } from 'vue'

/** The time zone in which every instant is shown (IANA name): the programme's own; undefined: the browser's, until it is known. */
export const zone = ref<string | undefined>(undefined)

export interface Wall { year: number, month: number, day: number, hour: number, minute: number }

/** What a clock on the wall of the programme shows at that instant; months count from 1. */
export function wall(instant: string | number | Date): Wall {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone.value, year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', hourCycle: 'h23' })
  const part = Object.fromEntries(format.formatToParts(new Date(instant)).map(each => [each.type, Number(each.value)]))
  return { year: part.year!, month: part.month!, day: part.day!, hour: part.hour!, minute: part.minute! }
}

/** The instant at which that clock shows this; days beyond the end of a month run on into the next one. */
export function instantOf(year: number, month: number, day: number, hour = 0, minute = 0): Date {
  const wanted = Date.UTC(year, month - 1, day, hour, minute)
  let found = wanted
  // Twice: the first correction may cross a change to or from summer time.
  for (let round = 0; round < 2; round += 1) {
    const shown = wall(found)
    found += wanted - Date.UTC(shown.year, shown.month - 1, shown.day, shown.hour, shown.minute)
  }
  return new Date(found)
}

/** The local day of an instant as `YYYY-MM-DD`; two instants of one day have the same. */
export function dayOf(instant: string | number | Date, back = 0): string {
  const now = wall(instant)
  return new Date(Date.UTC(now.year, now.month - 1, now.day - back)).toISOString().slice(0, 10)
}
