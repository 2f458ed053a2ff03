import type { RecallReport } from './queries'

type Day = RecallReport['days'][number]

export interface Sum { base: number, hits: number, share: number | null }

function sum(days: Day[], base: (day: Day) => number, hits: (day: Day) => number): Sum {
  const total = days.reduce((n, day) => n + base(day), 0)
  const found = days.reduce((n, day) => n + hits(day), 0)
  return { base: total, hits: found, share: total > 0 ? found / total : null }
}

export interface Split { days: Day[], fcr: Sum, recall: Sum }

function part(days: Day[]): Split {
  return { days, fcr: sum(days, day => day.fcr.base, day => day.fcr.resolved), recall: sum(days, day => day.recall.base, day => day.recall.recalled) }
}

/** Final days and provisional days, apart: a figure never mixes the two without saying so. */
export function split(report: RecallReport): { final: Split, provisional: Split } {
  return { final: part(report.days.filter(day => day.maturity === 'final')), provisional: part(report.days.filter(day => day.maturity === 'provisional')) }
}

/** The report's topic rows as comma-separated values, decimal points, for a spreadsheet. */
export function csv(report: RecallReport, name: (id: string | null) => string): string {
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`
  const rows = report.topics.map(row => [quote(row.name ?? name(row.id)), row.recall.base, row.recall.recalled, row.recall.share ?? '', row.recall.recalled_same_topic, row.fcr?.base ?? '', row.fcr?.resolved ?? '', row.fcr?.gross ?? '', row.maturity].join(','))
  return ['topic,recall_base,recalled,recall_share,recalled_same_topic,fcr_base,fcr_resolved,fcr_gross,maturity', ...rows].join('\n')
}
