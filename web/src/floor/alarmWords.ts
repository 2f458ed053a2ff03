import { useI18n } from 'vue-i18n'
import type { Alarm } from './floor'

/** An alarm's code and values as a sentence; an unknown code is shown as it is, never hidden. */
export function useAlarmWords(): (alarm: Alarm) => string {
  const { t, te } = useI18n()
  return alarm => {
    const key = `alarm.${alarm.code}`
    if (te(key)) return t(key, alarm.values)
    const values = Object.values(alarm.values).filter(value => typeof value === 'string' || typeof value === 'number')
    return [alarm.code.replaceAll('_', ' '), ...values].join(' · ')
  }
}
