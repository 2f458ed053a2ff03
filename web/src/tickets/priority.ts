interface PriorityLook { icon: string, text: string, word: string, badge: 'warning' | 'error' | null }

const LOOKS: Record<string, PriorityLook> = {
  low: { icon: 'i-lucide-minus', text: 'text-muted', word: 'priority.low', badge: null },
  normal: { icon: 'i-lucide-equal', text: 'text-muted', word: 'priority.normal', badge: null },
  high: { icon: 'i-lucide-chevrons-up', text: 'text-warning', word: 'priority.high', badge: 'warning' },
  urgent: { icon: 'i-lucide-octagon-alert', text: 'text-error', word: 'priority.urgent', badge: 'error' },
}

/** Sign, word and colour of a ticket's priority; only high and urgent earn a badge. */
export function priorityLook(priority: string): PriorityLook {
  return LOOKS[priority] ?? LOOKS.normal!
}
