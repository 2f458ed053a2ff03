/** The seven states of an agent: icon, theme colour and key of the word. Colour is never the only signal. */
export const STATES = {
  ready: { icon: 'i-lucide-circle-check', word: 'state.ready' },
  ringing: { icon: 'i-lucide-bell-ring', word: 'state.ringing' },
  talking: { icon: 'i-lucide-audio-lines', word: 'state.talking' },
  hold: { icon: 'i-lucide-pause', word: 'state.hold' },
  wrapup: { icon: 'i-lucide-pencil-line', word: 'state.wrapup' },
  notready: { icon: 'i-lucide-coffee', word: 'state.notready' },
  offline: { icon: 'i-lucide-log-out', word: 'state.offline' },
} as const

export type StateName = keyof typeof STATES

/** States in the order in which every bar, legend and list shows them. */
export const STATE_ORDER: readonly StateName[] = ['ready', 'ringing', 'talking', 'hold', 'wrapup', 'notready']

const FROM_SERVER: Record<string, StateName> = {
  signed_out: 'offline', not_ready: 'notready', ready: 'ready', ringing: 'ringing', talking: 'talking', wrap_up: 'wrapup',
}

/** The server's agent state (and whether the caller is on hold) as a state of the design system. */
export function stateName(state: string, held = false): StateName {
  if (state === 'talking' && held) return 'hold'
  return FROM_SERVER[state] ?? 'offline'
}

export const SEVERITIES = {
  critical: { icon: 'i-lucide-octagon-alert', text: 'text-error', word: 'severity.critical' },
  major: { icon: 'i-lucide-triangle-alert', text: 'text-warning', word: 'severity.major' },
  notice: { icon: 'i-lucide-info', text: 'text-info', word: 'severity.notice' },
} as const

export type Severity = keyof typeof SEVERITIES
