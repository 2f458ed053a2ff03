import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Plugin } from 'vite'
import { WebSocketServer } from 'ws'
import * as fixtures from './fixtures.ts'

/**
 * A server of made-up answers for looking at screens: `npm run dev:mock`, then a cookie `mock` with the name of a
 * scenario of fixtures.ts (`ringing`, `talking`, ...) or a role (`lead`, `office`, `admin`, `out-of-session`).
 */
const ROLES: Record<string, { name: string, roles: string[], agent_id: string | null }> = {
  lead: { name: 'Elena Moretti', roles: ['team_leader', 'supervisor'], agent_id: null },
  office: { name: 'Davide Neri', roles: ['back_office'], agent_id: null },
  admin: { name: 'Rita Sala', roles: ['administrator'], agent_id: null },
}

function cookie(request: IncomingMessage, name: string): string | undefined {
  return request.headers.cookie?.split(/;\s*/).find(part => part.startsWith(`${name}=`))?.slice(name.length + 1)
}

function answer(path: string, method: string, scenario: string, language: string): unknown {
  if (path === '/api/session') {
    const who = ROLES[scenario] ?? { name: 'Giulia Conti', roles: ['agent'], agent_id: 'a-1' }
    return { user_id: 'u-1', login: 'giulia', language, csrf: 'x', expires: new Date(Date.now() + 3.6e6).toISOString(), ...who }
  }
  if (path === '/api/topics') return { items: fixtures.topics }
  if (path === '/api/causes') return { items: [['promise', 'Promessa non mantenuta', 'Promise not kept'], ['unclear', 'Risposta non chiara', 'Unclear answer'], ['credit', 'Accredito non in fattura', 'Credit not on bill']].map(([id, it, en]) => ({ id, name: { it, en } })) }
  if (path === '/api/reasons') return { items: [['break', 'Pausa', 'Break'], ['lunch', 'Pranzo', 'Lunch'], ['training', 'Formazione', 'Training'], ['rona', 'Senza risposta', 'Did not answer']].map(([id, it, en]) => ({ id, name: { it, en }, system: id === 'rona' })) }
  if (path === '/api/directory') return { live: true, items: [['a-2', 'Luca Gatti', '2002', 'ready'], ['a-3', 'Sara Bruni', '2003', 'ready'], ['a-4', 'Anna Vitale', '2004', 'talking'], ['a-5', 'Omar Haddad', '2005', 'not_ready']].map(([id, name, extension, state]) => ({ kind: 'agent', id, name, extension, state, reason: null, team: 'Portabilità A', programme: null, waiting: null })).concat([{ kind: 'queue', id: 'q-bill', name: 'Bollette', extension: null, state: null, reason: null, team: null, programme: 'Aura Mobile', waiting: 4 }] as never) }
  if (path === '/api/me/day') return { day: '2026-11-24', calls: 17, mean_talk: 336, mean_wrap_up: 31, fcr: 0.78, recalls: 2, maturity: 'provisional' }
  if (path === '/api/tickets') return { next: null, items: Array.from({ length: fixtures.TICKET_COUNT }, (_, i) => fixtures.ticketLine(i)), total: 14, counts: { mine: 9, team: 22, handed_over: 17, due_today: 14, overdue: 1, open: 61 } }
  if (path.startsWith('/api/tickets/') && (method === 'GET' || !/\/(draft|notes|promises)$/.test(path))) return fixtures.ticket(path.split('/')[3]!)
  if (path === '/api/reports/recall') return fixtures.recallReport()
  if (path === '/api/reports/today') return { at: new Date().toISOString(), day: '2026-11-24', figures: fixtures.floor().totals, recall: fixtures.recallReport().recall, fcr: fixtures.recallReport().fcr }
  if (path === '/api/customers') return { next: null, items: fixtures.pop.customers.map(customer => ({ ...customer, numbers: [{ number: '+393475550142', shared: false }] })) }
  if (path.startsWith('/api/customers/')) return { customer: { ...fixtures.pop.customers[0], numbers: [{ number: '+393475550142', shared: false }] }, contacts: fixtures.contacts, contacts_next: null, tickets: fixtures.pop.open_tickets, promises: fixtures.pop.promises }
  if (path === '/api/admin/users') return { items: [{ id: 'u-1', login: 'giulia', name: 'Giulia Conti', roles: ['agent'], agent_id: 'a-1', language: 'it', disabled: false, last_sign_in: new Date().toISOString() }] }
  if (path === '/api/admin/agents') return { items: [{ id: 'a-1', name: 'Giulia Conti', team_id: null, extension: '2001', phone_kind: 'browser', disabled: false, skills: [{ skill_id: 'italian', level: 9 }, { skill_id: 'portability', level: 4 }], queue_ids: ['q-care'] }], skills: [{ id: 'italian', name: 'Italiano' }, { id: 'portability', name: 'Portabilità' }, { id: 'roaming', name: 'Roaming' }], teams: [] }
  if (path === '/api/admin/queues') return { items: [{ id: 'q-care', programme_id: 'p-aura', name: 'Assistenza', target_share: 0.8, target_seconds: 20, target_abandonment: 0.03, short_abandon_seconds: 5, plan: { steps: [] } }] }
  if (path === '/api/admin/programmes') return { items: [{ id: 'p-aura', name: 'Aura Mobile', region: 'IT', time_zone: 'Europe/Rome', language: 'it', recall_hours: 72 }] }
  if (path === '/api/admin/flows') return { items: [{ id: 'aura-main', name: 'Aura, ingresso', yaml: 'id: aura-main\nsteps:\n  - play: welcome\n', version: 4 }] }
  if (path === '/api/admin/numbers') return { items: [{ did: '+39800555017', programme_id: 'p-aura', flow_id: 'aura-main' }] }
  if (path.endsWith('/check')) return { valid: false, problems: ['Step “menu”: option 3 leads to “billing”, which is not a step. Add the step or change the option.'] }
  return { ok: true }
}

export function mockServer(): Plugin {
  return {
    name: 'onecall-mock',
    configureServer(server) {
      let seen = 0
      const sockets = new WebSocketServer({ noServer: true })
      server.httpServer?.on('upgrade', (request, socket, head) => {
        if (!request.url?.startsWith('/api/')) return
        const scenario = cookie(request, 'mock') ?? 'ready'
        if (scenario === 'lost' && seen++ > 0) return void socket.destroy()
        sockets.handleUpgrade(request as IncomingMessage, socket, head, client => {
          let seq = 1
          if (request.url === '/api/floor') return void [0, 1000].forEach(wait => setTimeout(() => client.send(JSON.stringify({ type: 'floor', floor: fixtures.floor() })), wait))
          const name = scenario === 'lost' ? 'talking' : scenario
          client.on('message', raw => {
            const message = JSON.parse(String(raw)) as { type: string, id?: string }
            if (message.type === 'hello') client.send(JSON.stringify({ type: 'desk', desk: fixtures.desk(name, seq++) }))
            if (message.type === 'cmd') client.send(JSON.stringify({ type: 'reply', id: message.id }))
          })
          if (scenario === 'lost') setTimeout(() => client.terminate(), 800)
        })
      })
      server.middlewares.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
        const url = new URL(request.url ?? '/', 'http://localhost')
        if (!url.pathname.startsWith('/api/')) return next()
        const scenario = cookie(request, 'mock') ?? 'ready'
        const refused = scenario === 'out-of-session' || url.pathname === '/api/phone'
        response.statusCode = refused ? (url.pathname === '/api/phone' ? 404 : 401) : 200
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify(refused ? { error: { code: 'sign_in_needed', what: 'Sign in.', remedy: '' } } : answer(url.pathname, request.method ?? 'GET', scenario, cookie(request, 'lang') ?? 'en')))
      })
    },
  }
}
