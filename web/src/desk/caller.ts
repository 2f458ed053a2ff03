import type { DeskCall, PopCustomer } from './model'
import { phoneNumber } from '@/design/format'

type Translate = (key: string, values?: Record<string, unknown>) => string

/** The one customer whom the call is known to come from; null while none, several or a switchboard. */
export function theCustomer(call: DeskCall | null): PopCustomer | null {
  const customers = call?.pop?.customers ?? []
  if (call?.pop?.identification === 'one') return customers.length === 1 ? customers[0]! : null
  return call?.customer_ids.length === 1 ? customers.find(customer => customer.id === call.customer_ids[0]) ?? null : null
}

/** What to call the caller on the bar: the name when it is known, else what is known. */
export function callerName(call: DeskCall, t: Translate): string {
  const known = theCustomer(call)
  if (known) return known.name
  if ((call.pop?.customers.length ?? 0) > 1) return t('caller.several', { n: call.pop!.customers.length })
  if (call.pop?.identification === 'shared') return t('caller.shared')
  if (!call.number) return t('caller.withheld')
  return call.pop?.identification === 'none' ? t('caller.unknown') : phoneNumber(call.number)
}
