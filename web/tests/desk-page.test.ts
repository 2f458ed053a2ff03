import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { VueQueryPlugin } from '@tanstack/vue-query'
import ui from '@nuxt/ui/vue-plugin'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'
import { me, queries } from '@/api/session'
import { startDesk, stopDesk, useDesk } from '@/desk/desk'
import { i18n } from '@/i18n'
import type { Desk } from '@/desk/model'
import * as fixtures from '../dev/fixtures'
import { deskOf, FakeSocket } from './fake-socket'
import DeskScreen from './DeskScreen.vue'
import { soon } from './soon'

const sockets: FakeSocket[] = []
const requests: { method: string, path: string, body: string }[] = []
let page: VueWrapper
let seq = 0

const ANSWERS: Record<string, unknown> = {
  '/api/topics': { items: fixtures.topics },
  '/api/causes': { items: [{ id: 'promise', name: { it: 'Promessa', en: 'Promise' } }] },
  '/api/reasons': { items: [{ id: 'break', name: { it: 'Pausa', en: 'Break' }, system: false }] },
  '/api/directory': { live: true, items: [] },
  '/api/me/day': { day: '2026-11-24', calls: 3, mean_talk: 60, mean_wrap_up: 10, fcr: 0.5, recalls: 0, maturity: 'provisional' },
  '/api/tickets': { items: [], total: 0, counts: {} },
}

function answer(request: Request): Response {
  const path = new URL(request.url).pathname
  const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
  if (path === '/api/phone') return json({ error: { code: 'desk_phone', what: 'No browser phone.', remedy: '' } }, 404)
  if (path === '/api/promises/pr-1') return json({ ...fixtures.promise, status: 'broken' })
  if (path === '/api/programmes') return json({ items: [{ id: 'p-aura', name: 'Aura Mobile', time_zone: 'Europe/Rome', recall_hours: 72 }] })
  if (path === '/api/tickets/t-1') return json({ ...fixtures.ticket('t-1'), draft: null })
  return json(ANSWERS[path] ?? fixtures.ticket('t-1'))
}

async function tell(scenario: string, part: Partial<Desk> = {}): Promise<void> {
  sockets.at(-1)!.say({ type: 'desk', desk: deskOf(scenario, ++seq, part) })
  await flushPromises()
}
const part = (id: string) => page.find(`[data-testid="${id}"]`)
const press = (key: string, options: KeyboardEventInit = {}) => (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...options }))

beforeEach(async () => {
  i18n.global.locale.value = 'en'
  sockets.length = 0
  requests.length = 0
  vi.stubGlobal('WebSocket', class extends FakeSocket {
    constructor() {
      super()
      sockets.push(this)
    }
  })
  vi.stubGlobal('fetch', vi.fn(async (request: Request) => {
    requests.push({ method: request.method, path: new URL(request.url).pathname, body: await request.clone().text() })
    return answer(request)
  }))
  me.value = { user_id: 'u', login: 'giulia', name: 'Giulia Conti', roles: ['agent'], agent_id: 'a-1', language: 'en', csrf: 'token', expires: '' }
  const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/:all(.*)*', component: { render: () => null } }] })
  page = mount(DeskScreen, { attachTo: document.body, global: { plugins: [i18n, router, [VueQueryPlugin, { queryClient: queries }], ui] } })
  startDesk()
  sockets[0]!.open()
})
afterEach(() => {
  // A note that has the focus keeps it over a change of screens: the next test starts without.
  ;(document.activeElement as HTMLElement | null)?.blur()
  page.unmount()
  stopDesk()
  queries.clear()
  vi.unstubAllGlobals()
})

describe('the desk', () => {
  it('acknowledges a ringing desk once it is on the screen', async () => {
    await tell('ready')
    await tell('ringing')
    await soon(() => expect(sockets[0]!.sent.filter(message => message.type === 'painted')).toEqual([{ type: 'painted', seq }]))
    expect(part('pop').text()).toContain('Chiara Ferrero')
    expect(part('recall-mark').text()).toContain('2nd')
    expect(part('opening').attributes('lang')).toBe('it')
  })

  it('shows the call bar in every state with the one height and the same place', async () => {
    for (const scenario of ['out', 'ready', 'notready', 'ringing', 'talking', 'hold', 'consulting', 'conference', 'wrapup']) {
      await tell(scenario)
      expect(part('call-bar').classes(), scenario).toEqual(expect.arrayContaining(['h-[76px]', 'shrink-0']))
    }
  })

  it('never takes the focus from a field when a call rings', async () => {
    await tell('ready')
    const field = document.body.appendChild(document.createElement('input'))
    field.focus()
    await tell('ringing')
    await soon(() => expect(sockets[0]!.sent.some(message => message.type === 'painted')).toBe(true))
    expect(document.activeElement).toBe(field)
  })

  it('lets the agent go on typing where the cursor stood when the caller hangs up', async () => {
    await tell('talking')
    await flushPromises()
    const note = part('note').element as HTMLTextAreaElement
    await part('note').setValue('Asked about the bill')
    note.focus()
    note.setSelectionRange(5, 5)
    await tell('wrapup')
    const after = part('note').element as HTMLTextAreaElement
    expect(after).not.toBe(note)
    expect(document.activeElement).toBe(after)
    expect([after.value, after.selectionStart]).toEqual(['Asked about the bill', 5])
  })

  it('sends the note as a draft a moment after the last key and says so', async () => {
    await tell('talking')
    await flushPromises()
    await part('note').setValue('Promised an answer')
    expect(part('draft').attributes('data-draft')).toBe('kept')
    await soon(() => expect(requests.filter(request => request.path.endsWith('/draft'))).toMatchObject([{ method: 'PUT', body: '{"text":"Promised an answer"}' }]))
    await soon(() => expect(part('draft').attributes('data-draft')).toBe('saved'))
  })

  it('saves nothing before outcome, topic and the cause of a recall are chosen, and says what is missing', async () => {
    await tell('wrapup')
    await flushPromises()
    press('Enter', { ctrlKey: true })
    await flushPromises()
    expect(page.text()).toContain('Choose how it ended to save')
    press('1')
    await flushPromises()
    expect(part('outcome-resolved').attributes('aria-checked')).toBe('true')
    press('Enter', { ctrlKey: true })
    await flushPromises()
    expect(page.text()).toContain('Choose a cause to save')
    expect(requests.some(request => request.path.endsWith('/outcome'))).toBe(false)
    expect(sockets[0]!.commands()).toEqual([])
  })

  it('saves the outcome and then goes ready, in that order', async () => {
    const desk = deskOf('wrapup', ++seq)
    sockets[0]!.say({ type: 'desk', desk: { ...desk, call: { ...desk.call!, recall: false } } })
    await soon(() => expect(part('ticket-number').text()).toBe('T-48213'))
    await part('outcome-hand_over').trigger('click')
    press('Enter', { ctrlKey: true })
    await soon(() => expect(sockets[0]!.commands()).toEqual(['wrap_up.end']))
    expect(JSON.parse(requests.find(request => request.path.endsWith('/outcome'))!.body)).toMatchObject({ outcome: 'hand_over', topic: 'port-in' })
    expect(sockets[0]!.sent.at(-1)).toMatchObject({ args: { then: 'ready' } })
  })

  it('disables what needs the server while the connection is lost, keeps the call on screen and offers to try now', async () => {
    await tell('talking')
    sockets[0]!.cut()
    await flushPromises()
    expect(part('connection-lost').text()).toContain('Your call goes on')
    for (const id of ['hold', 'transfer', 'consult-open', 'save']) expect(part(id).attributes('disabled'), id).toBeDefined()
    expect(part('hang-up').attributes('disabled')).toBeUndefined()
    expect(part('caller-name').text()).toBe('Chiara Ferrero')
    await part('try-now').trigger('click')
    expect(sockets.length).toBe(2)
  })

  it('lets an unfinished wrap-up be closed, and asks before it is left', async () => {
    const desk = deskOf('unfinished', ++seq)
    sockets[0]!.say({ type: 'desk', desk: { ...desk, call: { ...desk.call!, recall: false } } })
    await soon(() => expect(part('ticket-number').text()).toBe('T-48213'))
    expect([part('desk').attributes('data-mode'), part('call-bar').attributes('data-mode')]).toEqual(['wrap_up', 'wrap_up'])
    expect(part('unfinished').exists()).toBe(true)
    press('F7')
    await soon(() => expect(document.querySelector('[data-testid="leave-dialog"]')).not.toBeNull())
    expect(sockets[0]!.commands()).toEqual([])
    ;(document.querySelector('[data-testid="leave-back"]') as HTMLElement).click()
    await soon(() => expect(document.querySelector('[data-testid="leave-dialog"]')).toBeNull())
    press('1')
    press('Enter', { ctrlKey: true })
    await soon(() => expect(sockets[0]!.commands()).toEqual(['wrap_up.end']))
    expect(JSON.parse(requests.find(request => request.path.endsWith('/outcome'))!.body)).toMatchObject({ outcome: 'resolved', save_id: expect.stringMatching(/^[0-9a-f]{24}$/) })
  })

  it('offers a break chosen in the call as what follows the wrap-up', async () => {
    const desk = deskOf('wrapup', ++seq)
    sockets[0]!.say({ type: 'desk', desk: { ...desk, agent: { ...desk.agent, next_state: 'not_ready', next_reason: 'break' }, call: { ...desk.call!, recall: false } } })
    await soon(() => expect(part('ticket-number').text()).toBe('T-48213'))
    press('1')
    press('Enter', { ctrlKey: true })
    await soon(() => expect(sockets[0]!.commands()).toEqual(['wrap_up.end']))
    expect(sockets[0]!.sent.at(-1)).toMatchObject({ args: { then: 'not_ready', reason: 'break' } })
  })

  it('shows a promise as the server has settled it, and marks the call that this one repeats', async () => {
    await tell('talking')
    await soon(() => expect(part('promise-kept').exists()).toBe(true))
    await part('promise-kept').trigger('click')
    await soon(() => expect(part('promise').attributes('data-status')).toBe('broken'))
    expect(page.findAll('[data-testid="contacts"] [data-first]')).toHaveLength(1)
  })

  it('holds and resumes by F8, from inside a field too', async () => {
    await tell('talking')
    ;(part('note').element as HTMLElement).focus()
    press('F8')
    await tell('hold')
    sockets[0]!.say({ type: 'reply', id: sockets[0]!.sent.find(message => message.cmd === 'call.hold')!.id!, error: null })
    await flushPromises()
    press('F8')
    expect(sockets[0]!.commands()).toEqual(['call.hold', 'call.resume'])
  })

  it('lets the agent choose among several customers and never guesses one', async () => {
    await tell('several')
    expect(part('caller-name').text()).toContain('3')
    expect(part('customer-chooser').attributes('data-identification')).toBe('several')
    await part('choose-c-2').trigger('click')
    await flushPromises()
    expect(requests.find(request => request.path.endsWith('/customer'))).toMatchObject({ method: 'POST', body: '{"customer_id":"c-2"}' })
  })

  it('offers the server what a desk phone cannot do from the page: answering by command', async () => {
    const desk = deskOf('ringing', ++seq)
    sockets[0]!.say({ type: 'desk', desk: { ...desk, agent: { ...desk.agent, phone: { kind: 'sip', registered: true } } } })
    await flushPromises()
    press('F2')
    expect(sockets[0]!.commands()).toEqual(['call.answer'])
    expect(useDesk().phone.view.legs).toEqual([])
  })

  it('has the server mute an agent on a desk phone, and shows that it does', async () => {
    const tellMuted = async (muted: boolean) => {
      const desk = deskOf('talking', ++seq)
      sockets[0]!.say({ type: 'desk', desk: { ...desk, call: { ...desk.call!, muted }, agent: { ...desk.agent, phone: { kind: 'sip', registered: true } } } })
      await flushPromises()
    }
    await tellMuted(false)
    press('F4')
    expect(sockets[0]!.commands()).toEqual(['call.mute'])
    sockets[0]!.say({ type: 'reply', id: sockets[0]!.sent.find(message => message.cmd === 'call.mute')!.id!, error: null })
    await tellMuted(true)
    press('F4')
    expect(sockets[0]!.commands()).toEqual(['call.mute', 'call.unmute'])
  })
})
