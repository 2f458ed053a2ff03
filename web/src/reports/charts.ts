import type { EChartsCoreOption } from 'echarts/core'
import type { RecallReport } from './queries'

/** What a drawing needs from the page: a design token's colour, a phrase, and numbers and days in words. */
export interface Pen {
  token: (name: string) => string
  t: (key: string) => string
  number: (value: number, digits: number) => string
  dayShort: (day: string) => string
}

const points = (share: number | null) => share === null ? null : Math.round(share * 1000) / 10

function frame(days: RecallReport['days'], pen: Pen) {
  const text = { color: pen.token('--ui-text-muted'), fontSize: 12 }
  return {
    tooltip: {
      trigger: 'axis', backgroundColor: pen.token('--ui-bg'), borderColor: pen.token('--ui-border'), textStyle: { color: pen.token('--ui-text'), fontSize: 12 },
      valueFormatter: (value: unknown) => typeof value === 'number' ? `${pen.number(value, 1)}%` : '–',
    },
    xAxis: {
      type: 'category', data: days.map(day => pen.dayShort(day.day)), axisLabel: text, axisTick: { show: false },
      axisLine: { lineStyle: { color: pen.token('--ui-border-accented') } },
    },
    yAxis: { type: 'value', axisLabel: { ...text, formatter: '{value}%' }, splitLine: { lineStyle: { color: pen.token('--ui-border') } } },
  }
}

/** FCR by day: a full line through final days, a broken one through provisional days, which lie on a tint. */
export function fcrByDay(days: RecallReport['days'], pen: Pen): EChartsCoreOption {
  const fresh = days.findIndex(day => day.maturity === 'provisional')
  const accent = pen.token('--ui-primary')
  const line = { type: 'line', connectNulls: false, symbol: 'circle', symbolSize: 6, lineStyle: { width: 2.5, color: accent }, itemStyle: { color: accent } }
  const { yAxis, ...rest } = frame(days, pen)
  return {
    ...rest,
    grid: { left: 44, right: 16, top: 12, bottom: 26 },
    yAxis: { ...yAxis, min: (v: { min: number }) => Math.max(0, Math.floor(v.min / 5) * 5 - 5), max: (v: { max: number }) => Math.min(100, Math.ceil(v.max / 5) * 5 + 5) },
    series: [
      {
        ...line, name: pen.t('report.final'), data: days.map(day => day.maturity === 'final' ? points(day.fcr.gross) : null),
        markArea: fresh < 0 ? undefined : { silent: true, itemStyle: { color: pen.token('--ui-bg-elevated') }, data: [[{ xAxis: fresh }, { xAxis: days.length - 1 }]] },
      },
      {
        ...line, name: pen.t('report.provisional'), symbol: 'emptyCircle', lineStyle: { width: 2, type: 'dashed', color: accent },
        data: days.map((day, i) => day.maturity === 'provisional' || days[i + 1]?.maturity === 'provisional' ? points(day.fcr.gross) : null),
      },
    ],
  }
}

/** Recalls by day as bars, provisional days paler, with the limit as a line. */
export function recallsByDay(days: RecallReport['days'], limit: number, limitWord: string, pen: Pen): EChartsCoreOption {
  const strong = pen.token('--ui-text-highlighted')
  const { yAxis, ...rest } = frame(days, pen)
  return {
    ...rest,
    grid: { left: 44, right: 40, top: 12, bottom: 26 },
    yAxis: { ...yAxis, min: 0, max: (v: { max: number }) => Math.min(100, Math.ceil(Math.max(v.max, limit * 100) / 5) * 5 + 5) },
    series: [{
      type: 'bar', name: pen.t('report.rate'), barMaxWidth: 22, itemStyle: { borderRadius: [3, 3, 0, 0] },
      data: days.map(day => ({ value: points(day.recall.share), itemStyle: { color: pen.token('--ui-primary'), opacity: day.maturity === 'final' ? 1 : 0.4 } })),
      markLine: {
        silent: true, symbol: 'none', lineStyle: { color: strong, type: 'solid' }, data: [{ yAxis: limit * 100 }],
        label: { formatter: limitWord, position: 'end', fontWeight: 600, color: strong, fontSize: 12 },
      },
    }],
  }
}
