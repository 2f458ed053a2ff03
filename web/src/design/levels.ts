/** How a figure stands to its limit: fine, near it, or over it. */
export type Level = 'ok' | 'near' | 'bad'

/** A figure that must stay at or above `target`; near within a tenth above it is not worth a sign, below is. */
export function atLeast(value: number | null | undefined, target: number, tolerance = 0.05): Level {
  if (value === null || value === undefined || value >= target) return 'ok'
  return value >= target - tolerance ? 'near' : 'bad'
}

/** A figure that must stay at or below `limit`: near from 80 % of it on, bad above it. */
export function atMost(value: number | null | undefined, limit: number | null | undefined): Level {
  if (value === null || value === undefined || limit === null || limit === undefined) return 'ok'
  if (value > limit) return 'bad'
  return value >= limit * 0.8 && limit > 0 && value > 0 ? 'near' : 'ok'
}

/** The most recalls that the operation allows: one limit for all programmes. */
export const RECALL_LIMIT = 0.2

export function worst(...levels: Level[]): Level {
  if (levels.includes('bad')) return 'bad'
  return levels.includes('near') ? 'near' : 'ok'
}

export const LEVEL_TEXT: Record<Level, string> = { ok: 'text-highlighted', near: 'text-warning', bad: 'text-error' }
export const LEVEL_LOOK = {
  ok: { icon: 'i-lucide-circle-check', word: 'level.ok', color: 'success' },
  near: { icon: 'i-lucide-triangle-alert', word: 'level.near', color: 'warning' },
  bad: { icon: 'i-lucide-octagon-alert', word: 'level.bad', color: 'error' },
} as const
