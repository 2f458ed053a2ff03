import { computed } from 'vue'
import table from 'virtual:roles'
import { hasRole, me, type Role } from './session'
import type { paths } from './schema'

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** The roles that the server lets use a route, as its description says (`x-roles`). */
export function rolesOf(method: Method, path: keyof paths): Role[] {
  return (table[`${method} ${path}`] ?? []) as Role[]
}

/** Whether the person who is signed in may use a route. */
export function may(method: Method, path: keyof paths): boolean {
  return hasRole(...rolesOf(method, path))
}

/** What the screens ask, each by the route that would refuse it. */
export const rights = {
  floor: computed(() => may('get', '/api/floor')),
  readTickets: computed(() => may('get', '/api/tickets')),
  writeTickets: computed(() => may('post', '/api/tickets/{ticket_id}/notes')),
  takeTickets: computed(() => may('post', '/api/tickets/{ticket_id}/take')),
  reopenTickets: computed(() => may('post', '/api/tickets/{ticket_id}/reopen')),
  readCustomers: computed(() => may('get', '/api/customers')),
  reports: computed(() => may('get', '/api/reports/recall')),
  administer: computed(() => may('get', '/api/admin/users')),
}

/** Those who work on tickets outside of a call close any of them, agents (where the server lets them) their own. */
export function mayResolve(owner: { id: string } | null | undefined): boolean {
  if (!may('post', '/api/tickets/{ticket_id}/resolve')) return false
  return rights.takeTickets.value || (owner !== null && owner !== undefined && [me.value?.user_id, me.value?.agent_id].includes(owner.id))
}
