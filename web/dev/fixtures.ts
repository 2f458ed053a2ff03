import type { Schemas } from '../src/api/client'

type Desk = Schemas['Desk']
type Call = NonNullable<Desk['call']>
type Pop = Schemas['Pop']

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString()
const ahead = (seconds: number) => ago(-seconds)
const HOUR = 3600
const DAY = 24 * HOUR

export const promise: Schemas['Promise'] = {
  id: 'pr-1', text: 'SMS con la data di passaggio entro domani alle 10:00', due: ago(47 * 60), by: null, status: 'open', made: ago(18 * HOUR), made_by: 'Marco De Santis', ticket_id: 't-1',
}

const contact = (part: Partial<Schemas['Contact']>): Schemas['Contact'] => ({
  at: ago(DAY), channel: 'phone', direction: 'inbound', agent_name: 'Sara Bruni', topic: 'Portabilità', topic_id: 'port-in', outcome: 'resolved', summary: null, ticket_id: 't-1', interaction_id: 'i-1', ...part,
} as Schemas['Contact'])

export const contacts: Schemas['Contact'][] = [
  contact({ at: ago(18 * HOUR + 300), agent_name: 'Marco De Santis', summary: 'Promessa la data di passaggio via SMS.', interaction_id: 'i-0' }),
  contact({ at: ago(5 * DAY), channel: 'chat', agent_name: 'Sara Bruni', topic: 'Costo del passaggio' }),
  contact({ at: ago(12 * DAY), channel: 'email', agent_name: 'Elena Moretti', topic: 'Fattura', outcome: 'hand_over' }),
  contact({ at: ago(40 * DAY), direction: 'outbound', agent_name: 'Luca Gatti', topic: 'Roaming', summary: 'Accredito di 12,00 € per traffico addebitato per errore.' }),
]

export const pop: Pop = {
  customers: [{ id: 'c-1', name: 'Chiara Ferrero', segment: 'Privati', city: 'Torino', language: 'it', customer_since: '2021-03-12', code: 'AM-20418835', notes: null, flags: [] }],
  identification: 'one',
  recall: { of_interaction_id: 'i-0', at: ago(18 * HOUR), agent_name: 'Marco De Santis', topic: 'Portabilità in entrata', same_topic_ticket_id: 't-1', nth: 2, promises: [promise] },
  open_tickets: [{ id: 't-1', number: 'T-48213', title: 'Portabilità non completata', topic: 'Portabilità in entrata', priority: 'high', status: 'pending_back_office', due: ahead(72 * 60), opened: ago(18 * HOUR) } as Schemas['OpenTicket']],
  promises: [promise],
  contacts,
  opening: {
    it: '«Buongiorno signora Ferrero, sono Giulia. Vedo che ieri aspettava la data di passaggio e l’SMS non è arrivato: mi dispiace. Ho qui la sua richiesta.»',
    en: '“Good morning Ms Ferrero, this is Giulia. I see that you were waiting for the switch date and the SMS never came: I am sorry. I have your request here.”',
  },
}

const several: Pop = {
  ...pop, identification: 'several', recall: null, open_tickets: [], promises: [], contacts: [], opening: null,
  customers: [pop.customers[0]!, { ...pop.customers[0]!, id: 'c-2', name: 'Paolo Ferrero', code: 'AM-20418999' }, { ...pop.customers[0]!, id: 'c-3', name: 'Studio Ferrero srl', segment: 'Micro imprese', code: 'AM-30000412' }],
}
const withheld: Pop = { customers: [], identification: 'withheld', recall: null, open_tickets: [], promises: [], contacts: [], opening: null }

function call(part: Partial<Call>): Call {
  return {
    interaction_id: '01kaxample0000000000000000', fence: 12, direction: 'inbound', role: 'agent', phase: 'talking', number: '+393475550142',
    programme: { id: 'p-aura', name: 'Aura Mobile' }, queue: { id: 'q-port', name: 'Portabilità' }, language: 'it', path: '2 > 1',
    arrived: ago(380), queued: ago(356), offered: ago(228), deadline: null, answered: ago(222), held_since: null, hold_total: 0, passed_on: false, muted: false, ended: null, ended_by: null,
    recording: { on: true, paused: false, problem: null }, consult: null, customer_ids: ['c-1'], ticket_id: 't-1', recall: true, wrap_up_extensions_left: 0, pop, ...part,
  }
}

const scenarios: Record<string, () => { state: Desk['agent']['state'], reason?: string, since: number, until?: number, left?: number, call: Call | null, kind?: 'browser' | 'sip' }> = {
  ready: () => ({ state: 'ready', since: 252, call: null }),
  notready: () => ({ state: 'not_ready', reason: 'rona', since: 34, call: null }),
  out: () => ({ state: 'signed_out', since: 600, call: null }),
  ringing: () => ({ state: 'ringing', since: 6, call: call({ phase: 'ringing', arrived: ago(165), queued: ago(140), offered: ago(6), deadline: ahead(14), answered: null, ticket_id: null, recording: null }) }),
  several: () => ({ state: 'ringing', since: 6, call: call({ phase: 'ringing', offered: ago(6), deadline: ahead(14), answered: null, ticket_id: null, customer_ids: ['c-1', 'c-2', 'c-3'], recall: false, pop: several }) }),
  withheld: () => ({ state: 'talking', since: 40, call: call({ number: null, customer_ids: [], recall: false, pop: withheld, ticket_id: 't-2', answered: ago(40) }) }),
  talking: () => ({ state: 'talking', since: 222, call: call({}) }),
  hold: () => ({ state: 'talking', since: 222, call: call({ phase: 'hold', held_since: ago(41), hold_total: 12 }) }),
  consulting: () => ({ state: 'talking', since: 222, call: call({ phase: 'consulting', consult: { kind: 'agent', to: 'a-2', name: 'Luca Gatti', state: 'talking' } as Call['consult'] }) }),
  conference: () => ({ state: 'talking', since: 222, call: call({ phase: 'conference', consult: { kind: 'agent', to: 'a-2', name: 'Luca Gatti', state: 'talking' } as Call['consult'] }) }),
  wrapup: () => ({ state: 'wrap_up', since: 18, until: 27, left: 1, call: call({ phase: 'ended', arrived: ago(560), queued: ago(540), answered: ago(467), ended: ago(18), ended_by: 'caller', hold_total: 41 }) }),
  unfinished: () => ({ state: 'not_ready', reason: 'wrap_up_unfinished', since: 40, call: call({ phase: 'ended', arrived: ago(560), queued: ago(540), answered: ago(467), ended: ago(85), ended_by: 'caller', hold_total: 41 }) }),
  deskphone: () => ({ state: 'talking', since: 222, kind: 'sip', call: call({}) }),
}

export function desk(name: string, seq: number): Desk {
  const chosen = (scenarios[name] ?? scenarios.ready!)()
  return {
    seq, epoch: 'e-1', at: new Date().toISOString(),
    agent: {
      id: 'a-1', name: 'Giulia Conti', extension: '2001', state: chosen.state, reason: chosen.reason ?? null, since: ago(chosen.since), until: chosen.until ? ahead(chosen.until) : null,
      next_state: null, next_reason: null, phone: { kind: chosen.kind ?? 'browser', registered: true },
      queues: [{ id: 'q-care', name: 'Aura Mobile Care' }, { id: 'q-port', name: 'Portabilità' }, { id: 'q-bill', name: 'Bollette' }],
    },
    call: chosen.call && { ...chosen.call, wrap_up_extensions_left: chosen.left ?? 0 }, waiting: { count: 7, longest_since: ago(134) },
    notices: chosen.reason === 'rona' ? [{ seq, kind: 'warning', code: 'rona', values: {} }] : [],
  }
}

const QUEUES: [string, string, string, number, number, number, number, number | null, number][] = [
  ['q-fraud', 'Frodi', 'Aura Mobile', 0.58, 0.9, 15, 5, 278, 0.082], ['q-port', 'Portabilità', 'Aura Mobile', 0.78, 0.8, 20, 7, 34, 0.026], ['q-care', 'Assistenza clienti', 'Aura Mobile', 0.86, 0.8, 20, 6, 12, 0.019],
  ['q-bills', 'Bollette', 'Lumera Energia', 0.83, 0.8, 30, 4, 16, 0.011], ['q-faults', 'Guasti 24h', 'Lumera Energia', 0.95, 0.9, 10, 0, null, 0.008], ['q-cards', 'Carte', 'Banca Solari', 0.88, 0.85, 20, 1, 11, 0.019],
]
const PEOPLE = 'Ilaria Costa,Fabio Greco,Nadia Ferri,Davide Riva,Giulia Conti,Marco De Santis,Sara Bruni,Luca Gatti,Anna Vitale,Bruno Sala,Elisa Marino,Paolo Fontana,Chiara Longo,Matteo Serra,Irene Galli,Omar Haddad,Laura Pace,Stefano Rizzi,Marta Leone,Diego Ferrara,Silvia Monti,Andrea Villa,Federica Neri,Tommaso Bassi,Noemi Grassi,Ivan Petrov,Beatrice Lodi,Simone Carli,Greta Orlandi,Kevin Testa'.split(',')
const STATES: Schemas['FloorAgent']['state'][] = ['talking', 'talking', 'wrap_up', 'not_ready', 'talking', 'not_ready', 'talking', 'ringing', 'ready', 'ready', 'talking', 'talking', 'ready', 'wrap_up', 'talking']

export function floor(): Schemas['Floor'] {
  const figures = (share: number, abandonment: number, offered: number) => ({ offered, answered: Math.round(offered * (1 - abandonment)), answered_in_target: Math.round(offered * share), abandoned: Math.round(offered * abandonment), short_abandoned: 2, service_level: share, service_level_strict: share - 0.01, abandonment, asa: share < 0.7 ? 107 : share < 0.8 ? 24 : 14.2, aht: 336.5 })
  return {
    at: new Date().toISOString(),
    queues: QUEUES.map(([id, name, programme, share, target, seconds, waiting, longest, abandonment], i) => ({
      id, name, programme, waiting, longest_since: longest === null ? null : ago(longest), expected_wait: waiting ? 40 + i * 10 : 0, oldest: [], today: figures(share, abandonment, 120 + i * 130),
      target: { share: target, seconds, abandonment: 0.03 }, agents: { signed_out: 3, ready: i === 0 ? 0 : 1 + i % 3, ringing: i % 2, talking: 6 + i * 2, wrap_up: 1 + i % 2, not_ready: 2 },
    })),
    agents: PEOPLE.map((name, i) => ({ id: `a-${i}`, name, state: STATES[i % STATES.length]!, reason: STATES[i % STATES.length] === 'not_ready' ? 'break' : null, since: ago(i === 0 ? 372 : i === 1 ? 1187 : 20 + i * 17), until: null, queue: STATES[i % STATES.length] === 'talking' ? QUEUES[i % 6]![0] : null, queue_ids: [], held: i === 0 || i === 17, team: 'Squadra A' })),
    totals: { ...figures(0.816, 0.021, 1904), waiting: 23, longest_since: ago(278), agents: { signed_out: 31, ready: 12, ringing: 4, talking: 62, wrap_up: 9, not_ready: 12 } } as Schemas['Totals'],
    alarms: [
      { id: 'nobody_qualified:q-fraud', severity: 'critical', code: 'nobody_qualified', values: { queue: 'Frodi' }, since: ago(1800) },
      { id: 'disk', severity: 'major', code: 'disk_full', values: {}, since: ago(700) },
    ],
  }
}

const TITLES = ['Sostituzione SIM non richiesta, linea sospesa', 'Roaming in Turchia fatturato due volte', 'Accredito di 15,00 € promesso, non in fattura', 'Portabilità non completata: rifiutata dal donatore', 'Nessun servizio dopo il passaggio, linea aziendale', 'Guasto fibra, il tecnico non è venuto', 'Partita IVA sbagliata su tre fatture', 'Addebito diretto preso due volte a novembre']
const CUSTOMERS = ['Rita Colombo', 'Antonio Esposito', 'Luca Moretti', 'Chiara Ferrero', 'Officine Brandi srl', 'Maria Grazia Lupo', 'Studio Arvedi', 'Hamid Karimi']
const DUES = [-18 * 60, 7 * 60, 42 * 60, 67 * 60, 85 * 60, 2.2 * HOUR, 3.1 * HOUR, 4.5 * HOUR]

export function ticketLine(i: number): Schemas['TicketLine'] {
  return {
    id: `t-${i}`, number: `T-48${102 + i * 11}`, title: TITLES[i]!, topic: 'Portabilità in entrata', topic_id: 'port-in', priority: i === 0 ? 'urgent' : i < 5 ? 'high' : 'normal', status: 'pending_back_office', programme_id: 'p-aura',
    customer: { id: `c-${i}`, name: CUSTOMERS[i]! }, owner: i % 3 === 2 ? null : { id: 'u-1', name: 'Davide Neri' }, due: ahead(DUES[i]!), opened: ago(6 * HOUR), updated: ago(600), version: 3,
  }
}
export const TICKET_COUNT = TITLES.length

export function ticket(id: string): Schemas['Ticket'] {
  const i = Math.max(0, Number(id.split('-')[1] ?? 0)) % TICKET_COUNT
  const here = id === 't-1'
  return {
    ...ticketLine(i), id, ...(here ? { number: 'T-48213', title: 'Portabilità non completata: rifiutata dal donatore', priority: 'high', customer: { id: 'c-1', name: 'Chiara Ferrero' }, due: ahead(67 * 60) } : {}),
    notes: [{ id: 'n-1', at: ago(1900), author: 'Laura Pace', text: 'Stesso guasto su 6 ticket: il gruppo rete ha aperto P-311.', interaction_id: null }],
    history: [
      { at: ago(17 * HOUR), who: 'Marco De Santis', kind: 'opened', field: null, before: null, after: null },
      { at: ago(3 * HOUR), who: 'Davide Neri', kind: 'edited', field: 'priority', before: 'normal', after: 'high' },
      { at: ago(2 * HOUR), who: 'Davide Neri', kind: 'taken', field: null, before: null, after: null },
    ],
    promises: [promise, ...(here ? [{ ...promise, id: 'pr-2', text: 'Verificare che il numero funzioni', due: ahead(2 * DAY), made: new Date().toISOString(), made_by: 'Giulia Conti' }] : [])],
    contacts: contacts.slice(0, 1), opened_by_interaction: 'i-0', resolved: null, gone_into: null,
    draft: here ? 'Richiamata. Alla cliente era stata promessa la data di passaggio via SMS entro le 10:00, mai inviata.\n\nRichiesta PN-77310264 rifiutata alle 08:05: nel seriale scritto in negozio due cifre sono scambiate (6348 per 6384).' : null,
  }
}

export const topics: Schemas['Topic'][] = [
  ['port', null, 'Portabilità', 'Portability'], ['port-in', 'port', 'Rifiutata dal donatore', 'Rejected by donor'], ['port-date', 'port', 'Data di passaggio', 'Switch date'],
  ['roam', null, 'Roaming', 'Roaming'], ['roam-twice', 'roam', 'Fatturato due volte', 'Billed twice'], ['bill', null, 'Fatture e accrediti', 'Bills and credits'], ['bill-credit', 'bill', 'Accredito mancante', 'Missing credit'],
].map(([id, parent, it, en]) => ({ id: id!, parent_id: parent ?? null, programme_id: null, name: { it: it!, en: en! }, front_line: true }))

export function recallReport(): Schemas['RecallReport'] {
  const recall = (base: number, share: number) => ({ base, recalled: Math.round(base * share), recalled_same_topic: Math.round(base * share * 0.7), share, share_same_topic: share * 0.7, coverage: 0.93 })
  const fcr = (base: number, share: number) => ({ base, resolved: Math.round(base * share), gross: share, base_net: Math.round(base * 0.9), resolved_net: Math.round(base * share * 0.95), net: share * 1.05, not_resolved_in_call: Math.round(base * 0.12), back_office: Math.round(base * 0.09), reopened: Math.round(base * 0.01), same_reason_contact: Math.round(base * 0.06), survey_no: Math.round(base * 0.01) })
  const SHARES = [72.1, 71.4, 73, 73.8, 72.6, 74.1, 75.2, 74.4, 73.9, 75, 75.8, 74.9, 74.2, 75.6, 76.1, 75, 74.3, 73.2, 72.4, 73.1, 75.4, 77.2, 79]
  const group = (id: string, name: string, base: number, share: number) => ({ id, name, maturity: 'final' as const, recall: recall(base, share), fcr: fcr(base, 0.9 - share) })
  return {
    from: new Date(Date.now() - 22 * DAY * 1000).toISOString().slice(0, 10), to: new Date().toISOString().slice(0, 10), policy_version: '1', window_hours: 72, maturity: 'provisional', recall: recall(19274, 0.124), fcr: fcr(17020, 0.739),
    days: SHARES.map((share, i) => ({ day: new Date(Date.now() - (22 - i) * DAY * 1000).toISOString().slice(0, 10), maturity: i > 19 ? 'provisional' as const : 'final' as const, recall: recall(840, i > 19 ? 0.08 - i * 0.001 : 0.1 + (i % 5) * 0.012), fcr: fcr(740, share / 100) })),
    topics: [group('port', 'Portabilità in entrata', 4128, 0.218), group('roam', 'Roaming', 3310, 0.176), group('offer', 'Contratto e offerte', 2462, 0.115), group('bill', 'Fatture e accrediti', 7412, 0.111), group('fraud', 'Frodi e blocchi', 1962, 0.065)],
    agents: [group('a-1', 'Giulia Conti', 812, 0.092), group('a-2', 'Marco De Santis', 790, 0.151)],
    causes: [{ id: 'promise', recalls: 412 }, { id: 'credit', recalls: 233 }, { id: 'unclear', recalls: 150 }, { id: null, recalls: 61 }], promises: { due: 311, kept: 259, broken: 52, broken_then_recall: 19, share_kept: 0.83 },
  } as unknown as Schemas['RecallReport']
}
