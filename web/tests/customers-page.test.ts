import { flushPromises, mount } from '@vue/test-utils'
import { VueQueryPlugin } from '@tanstack/vue-query'
import ui from '@nuxt/ui/vue-plugin'
import { afterEach, expect, it, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import { queries } from '@/api/session'
import CustomersPage from '@/customers/CustomersPage.vue'
import { i18n } from '@/i18n'
import * as fixtures from '../dev/fixtures'
import { soon } from './soon'

const customer = { ...fixtures.pop.customers[0]!, numbers: [], version: 1 }
const contact = (n: number) => ({ ...fixtures.contacts[0]!, interaction_id: `i-${n}`, summary: `call ${n}` })
const ANSWERS: Record<string, unknown> = {
  '/api/customers?q=&limit=50': { items: [{ ...customer, name: 'First page' }], next: 'two' },
  '/api/customers?q=&limit=50&cursor=two': { items: [{ ...customer, id: 'c-2', name: 'Second page' }], next: null },
  '/api/customers/c-1': { customer, contacts: [contact(4), contact(3)], contacts_next: 'before-3', tickets: [], promises: [] },
  '/api/customers/c-1/contacts?limit=50&cursor=before-3': { items: [contact(2)], next: 'before-2' },
  '/api/customers/c-1/contacts?limit=50&cursor=before-2': { items: [contact(1)], next: null },
}

afterEach(() => {
  queries.clear()
  vi.unstubAllGlobals()
})

it('leads through all customers and back to the first contact of one, page by page', async () => {
  vi.stubGlobal('fetch', vi.fn(async (request: Request) => {
    const { pathname, search } = new URL(request.url)
    return new Response(JSON.stringify(ANSWERS[pathname + search] ?? { items: [] }), { headers: { 'content-type': 'application/json' } })
  }))
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/customers/:id?', component: CustomersPage }] })
  await router.push('/customers/c-1')
  const page = mount(CustomersPage, { attachTo: document.body, global: { plugins: [i18n, router, [VueQueryPlugin, { queryClient: queries }], ui] } })
  const more = (at: 'list' | 'contacts') => page.findAll(at === 'list' ? 'section ul [data-testid=load-more]' : 'ol [data-testid=load-more]')
  const calls = () => page.findAll('ol p').map(line => line.text())

  await soon(() => expect(calls()).toEqual(['call 4', 'call 3']))
  await more('contacts')[0]!.trigger('click')
  await soon(() => expect(calls()).toEqual(['call 4', 'call 3', 'call 2']))
  await more('contacts')[0]!.trigger('click')
  await soon(() => expect(calls()).toEqual(['call 4', 'call 3', 'call 2', 'call 1']))
  expect(more('contacts')).toEqual([])
  expect(document.activeElement?.textContent).toContain('call 1')

  expect(page.text()).not.toContain('Second page')
  await more('list')[0]!.trigger('click')
  await soon(() => expect(page.text()).toContain('Second page'))
  await flushPromises()
  expect(more('list')).toEqual([])
  page.unmount()
})
