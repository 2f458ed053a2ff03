import { afterEach, describe, expect, it } from 'vitest'
import { topicChoices } from '@/api/lists'
import { fieldProblems } from '@/admin/resource'
import { problemFrom } from '@/api/problem'
import { callerName, theCustomer } from '@/desk/caller'
import { complete } from '@/desk/complete'
import { fromLocal, presets, toLocal } from '@/desk/due'
import { missingFields } from '@/desk/work'
import { countAgents, countQueue, judge, longestOf, needsLook, orderAgents, orderQueues } from '@/floor/judge'
import { csv, split } from '@/reports/figures'
import { changes, story } from '@/tickets/history'
import { dayOf, instantOf, zone } from '@/design/zone'
import { ownTitle } from '@/tickets/title'
import { outcomeByKey, tabStop } from '@/desk/outcomeKeys'
import { outcomesOf } from '@/desk/outcomes'
import { deskMode, isUnfinished } from '@/desk/model'
import * as fixtures from '../dev/fixtures'

const NOW = Date.parse('2026-11-24T10:00:00Z')
const word = (key: string, values?: Record<string, unknown>) => values ? `${key} ${JSON.stringify(values)}` : key

describe('who is calling', () => {
  const call = fixtures.desk('talking', 1).call!
  it('is the one customer of the number', () => {
    expect(theCustomer(call)?.name).toBe('Chiara Ferrero')
    expect(callerName(call, word)).toBe('Chiara Ferrero')
  })
  it('is nobody while several share the number, even if a list comes along', () => {
    const several = fixtures.desk('several', 1).call!
    expect(theCustomer(several)).toBeNull()
    expect(callerName(several, word)).toBe('caller.several {"n":3}')
  })
  it('is the customer whom the agent chose, whatever the first identification was', () => {
    expect(theCustomer({ ...call, customer_ids: [], pop: { ...call.pop!, identification: 'one' } })?.id).toBe('c-1')
  })
  it('has no number when it is withheld', () => {
    expect(callerName(fixtures.desk('withheld', 1).call!, word)).toBe('caller.withheld')
  })
})

describe('a desk that leaves something out', () => {
  it('is completed: a consultation without a pop is a call of an unknown customer, not a broken screen', () => {
    const told = fixtures.desk('talking', 1)
    const bare = { ...told, waiting: undefined, notices: undefined, call: { ...told.call!, pop: {}, customer_ids: undefined } } as unknown as typeof told
    const desk = complete(bare)
    expect(desk).toMatchObject({ waiting: null, notices: [], call: { pop: null, customer_ids: [] } })
    expect(callerName(desk.call!, word)).toBe('+39 347 555 0142')
    expect(complete(fixtures.desk('ready', 1)).call).toBeNull()
  })
})

describe('the outcome', () => {
  const form = { outcome: null, topic: null, cause: null, due: null, reason: '', note: '' }
  it('needs an outcome and a topic, a cause for a recall, and a time for a call back', () => {
    expect(missingFields(form, true)).toEqual(['outcome', 'topic', 'cause'])
    expect(missingFields({ ...form, outcome: 'call_back', topic: 't' }, false)).toEqual(['due'])
    expect(missingFields({ ...form, outcome: 'resolved', topic: 't', cause: 'c' }, true)).toEqual([])
    expect(missingFields({ ...form, outcome: 'transferred' }, true)).toEqual([])
  })
})

describe('times to promise', () => {
  it('offer this evening only while there is an evening left', () => {
    expect(presets(new Date(2026, 10, 24, 10, 2)).map(each => each.word)).toEqual(['in_one_hour', 'today_evening', 'tomorrow_morning'])
    expect(presets(new Date(2026, 10, 24, 17, 30)).map(each => each.word)).toEqual(['in_one_hour', 'tomorrow_morning'])
  })
  it('come back from the field as the same instant', () => {
    for (const preset of presets(new Date(2026, 10, 24, 10, 2))) expect(fromLocal(toLocal(preset.at))).toBe(preset.at)
  })
})

describe('topics', () => {
  it('are the leaves of the tree, with the way to them', () => {
    expect(topicChoices(fixtures.topics, 'en').map(topic => topic.label)).toEqual(['Portability › Rejected by donor', 'Portability › Switch date', 'Roaming › Billed twice', 'Bills and credits › Missing credit'])
  })
})

describe('the floor', () => {
  const floor = fixtures.floor()
  const now = Date.parse(floor.at)
  it('judges each queue by its own targets and puts the one in need first', () => {
    const [fraud] = floor.queues
    expect(judge(fraud!, now)).toMatchObject({ level: 'bad', serviceLevel: 'bad', longest: 'bad', abandonment: 'bad' })
    expect(orderQueues([...floor.queues].reverse(), now)[0]!.id).toBe('q-fraud')
    expect(longestOf(floor)!.id).toBe('q-fraud')
  })
  it('says nothing bad of a queue that has no figures yet', () => {
    const quiet = { ...floor.queues[2]!, waiting: 0, longest_since: null, today: { ...floor.queues[2]!.today, service_level: null, abandonment: null, asa: null } }
    expect(judge(quiet, now).level).toBe('ok')
  })
  it('counts on hold apart from talking and never below zero', () => {
    expect(countAgents(floor.agents).hold).toBe(floor.agents.filter(agent => agent.held && agent.state === 'talking').length)
    const queue = { ...floor.queues[0]!, agents: { ...floor.queues[0]!.agents, talking: 0 } }
    expect(countQueue(queue, floor.agents)).toMatchObject({ talking: 0, hold: 0 })
  })
  it('shows who needs a look first and leaves out those who have gone', () => {
    const agents = [...floor.agents, { ...floor.agents[0]!, id: 'gone', state: 'signed_out' as const }]
    const order = orderAgents(agents, now)
    expect(order.some(agent => agent.id === 'gone')).toBe(false)
    const first = order.findIndex(agent => !needsLook(agent, now))
    expect(order.slice(first).some(agent => needsLook(agent, now))).toBe(false)
  })
})

describe('the recall report', () => {
  const report = fixtures.recallReport()
  it('never mixes final and provisional days', () => {
    const parts = split(report)
    expect(parts.final.days.every(day => day.maturity === 'final')).toBe(true)
    expect(parts.provisional.days).toHaveLength(3)
    expect(parts.final.fcr.share).toBeCloseTo(parts.final.fcr.hits / parts.final.fcr.base)
  })
  it('has no share without a base', () => {
    expect(split({ ...report, days: [] }).final.fcr.share).toBeNull()
  })
  it('writes names with commas and quotes safely for a spreadsheet', () => {
    const odd = { ...report, topics: [{ ...report.topics[0]!, name: 'Bills, "old" ones' }] }
    expect(csv(odd, () => '').split('\n')[1]).toMatch(/^"Bills, ""old"" ones",4128,/)
  })
  it('counts days back over the end of a month', () => {
    expect(dayOf('2026-11-02T12:00:00Z', 3)).toBe('2026-10-30')
  })
})

describe("a ticket's story", () => {
  const row = (part: Partial<Parameters<typeof changes>[0][number]>) => ({ at: '2026-11-24T09:00:00Z', who: 'Davide', kind: 'edited', field: null, before: null, after: null, ...part })
  it('tells the rows of one change as one, with the fields worth telling', () => {
    const told = changes([row({ field: 'priority', before: 'normal', after: 'high' }), row({ field: 'due', before: null, after: 1 }), row({ field: 'version', before: 1, after: 2 })])
    expect(told).toHaveLength(1)
    expect(told[0]!.rows.map(each => each.field)).toEqual(['priority', 'due'])
  })
  it('says that it was resolved without listing what that means to a table', () => {
    expect(changes([row({ kind: 'resolved', field: 'resolved_at', after: 1 }), row({ kind: 'resolved', field: 'status', after: 'resolved' })])).toMatchObject([{ what: 'resolved', rows: [] }])
  })
  it('goes by days, oldest first, and shows a note once', () => {
    const days = story({ ...fixtures.ticket('t-1'), history: [row({ kind: 'note_added', at: new Date(NOW).toISOString() })] })
    const times = days.flatMap(day => day.events.map(event => Date.parse(event.at)))
    expect(times).toEqual([...times].sort((a, b) => a - b))
    expect(days.flatMap(day => day.events).filter(event => event.kind === 'change')).toEqual([])
  })
})

describe('refusals', () => {
  it('keep the words of the server, and stay plain when a proxy answers instead', () => {
    expect(problemFrom(422, { error: { code: 'invalid', what: 'Name is missing.', remedy: 'Add it.', values: { fields: [{ field: 'name', problem: 'missing' }] } } })).toMatchObject({ code: 'invalid', what: 'Name is missing.' })
    expect(problemFrom(502, '<html>')).toMatchObject({ status: 502, code: 'unexpected' })
  })
  it('name the field they are about', () => {
    expect(fieldProblems(problemFrom(422, { error: { values: { fields: [{ field: 'name', problem: 'too short', value: 'x' }, 'noise'] } } }))).toEqual([{ field: 'name', problem: 'too short' }])
  })
})

describe("the programme's time zone", () => {
  afterEach(() => { zone.value = undefined })
  it('decides what day and hour an instant is, wherever the browser stands', () => {
    zone.value = 'America/New_York'
    expect(dayOf('2026-11-24T03:00:00Z')).toBe('2026-11-23')
    expect(toLocal('2026-11-24T03:00:00Z')).toBe('2026-11-23T22:00')
    expect(fromLocal('2026-11-23T22:00')).toBe('2026-11-24T03:00:00.000Z')
    zone.value = 'Europe/Rome'
    expect(dayOf('2026-11-24T23:30:00Z')).toBe('2026-11-25')
    expect(presets(new Date('2026-11-24T15:30:00Z')).map(each => each.word)).toContain('today_evening')
    expect(presets(new Date('2026-11-24T16:30:00Z')).map(each => each.word)).not.toContain('today_evening')
  })
  it('is right on both sides of a change to summer time', () => {
    zone.value = 'Europe/Rome'
    expect(instantOf(2026, 3, 29, 1, 30).toISOString()).toBe('2026-03-29T00:30:00.000Z')
    expect(instantOf(2026, 3, 29, 10).toISOString()).toBe('2026-03-29T08:00:00.000Z')
    expect(instantOf(2026, 10, 32, 10).toISOString()).toBe('2026-11-01T09:00:00.000Z')
  })
})

describe('the desk after the timer', () => {
  it('wraps up for as long as the ended call is there, whatever state the agent has', () => {
    const over = fixtures.desk('unfinished', 1)
    expect([deskMode(over), isUnfinished(over)]).toEqual(['wrap_up', true])
    expect([deskMode(fixtures.desk('wrapup', 1)), isUnfinished(fixtures.desk('wrapup', 1))]).toEqual(['wrap_up', false])
    expect([deskMode(fixtures.desk('notready', 1)), deskMode(null)]).toEqual(['idle', 'idle'])
  })
})

describe('the outcome by keys', () => {
  const press = (key: string) => new KeyboardEvent('keydown', { key })
  it('goes round by arrows, as any radio group, and straight by digits', () => {
    expect(outcomeByKey(press('ArrowRight'), null)).toBe('resolved')
    expect(outcomeByKey(press('ArrowRight'), 'call_back')).toBe('resolved')
    expect(outcomeByKey(press('ArrowUp'), 'resolved')).toBe('call_back')
    expect([outcomeByKey(press('2'), null), outcomeByKey(press('x'), 'resolved')]).toEqual(['hand_over', null])
    expect([outcomeByKey(press('4'), null), outcomeByKey(press('4'), null, outcomesOf(true))]).toEqual([null, 'transferred'])
    expect([tabStop('resolved', null), tabStop('hand_over', null), tabStop('hand_over', 'hand_over')]).toEqual([0, -1, 0])
  })
})

describe("a ticket's title", () => {
  it('that only names the call is said in the reader’s language', () => {
    expect(ownTitle('Chiamata da +393475550142', word)).toBe('ticket.call_from {"caller":"+39 347 555 0142"}')
    expect([ownTitle('Roaming', word), ownTitle('', word)]).toEqual(['Roaming', null])
  })
})
