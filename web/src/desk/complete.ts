import type { Desk, DeskCall, Pop } from './model'

type Partly<T> = { [K in keyof T]?: T[K] }

function pop(told: Partly<Pop> | null | undefined): Pop | null {
  if (!told || Object.keys(told).length === 0) return null
  return {
    customers: told.customers ?? [], identification: told.identification ?? 'none', recall: told.recall ? { ...told.recall, promises: told.recall.promises ?? [] } : null,
    open_tickets: told.open_tickets ?? [], promises: told.promises ?? [], contacts: told.contacts ?? [], opening: told.opening ?? null,
  }
}

/**
 * A Desk with every list and every optional part in its place. The socket relays what routing says as it is, and routing
 * leaves out what it does not know (a colleague's consultation has no pop): the screens must not fall over that.
 */
export function complete(told: Desk): Desk {
  const call = told.call as Partly<DeskCall> | null | undefined
  return {
    ...told,
    agent: { ...told.agent, queues: told.agent.queues ?? [] },
    call: call ? { ...(call as DeskCall), customer_ids: call.customer_ids ?? [], recall: call.recall ?? false, muted: call.muted ?? false, passed_on: call.passed_on ?? false, role: call.role ?? 'agent', hold_total: call.hold_total ?? 0, wrap_up_extensions_left: call.wrap_up_extensions_left ?? 0, consult: call.consult ?? null, recording: call.recording ?? null, pop: pop(call.pop) } : null,
    waiting: told.waiting ?? null,
    notices: told.notices ?? [],
  }
}
