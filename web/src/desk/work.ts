import { computed, effectScope, reactive, ref, watch } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { api, body, type Schemas } from '@/api/client'
import { ApiProblem } from '@/api/problem'
import { queries } from '@/api/session'
import { ticketChanged } from '@/tickets/queries'
import { useDesk } from './desk'
import { outcomesOf } from './outcomes'
import { randomId } from './socket'
import { keepWork, keptWork, sendLeftNotes } from './notes'

export type Outcome = Schemas['OutcomeGiven']['outcome']
export type Field = 'outcome' | 'topic' | 'cause' | 'due'
export type DraftState = 'empty' | 'kept' | 'saving' | 'saved'

interface Form {
  outcome: Outcome | null
  topic: string | null
  cause: string | null
  due: string | null
  reason: string
  note: string
}

/** Quiet time after the last key before the draft goes to the server, ms. */
const PAUSE = 700
/** Wait before a draft that could not be sent is tried again, ms. */
const AGAIN = 4000

const EMPTY: Form = { outcome: null, topic: null, cause: null, due: null, reason: '', note: '' }
const form = reactive<Form>({ ...EMPTY })
const missing = ref<Field[]>([])
const problem = ref<ApiProblem | null>(null)
const saving = ref(false)
/** What was saved last and how the form looked then: a correction makes it unsaved again. */
const saved = ref<{ at: number, print: string } | null>(null)
const draft = ref<DraftState>('empty')
const draftAt = ref<number | null>(null)

let interaction: string | null = null
/** The ticket whose content the form has taken over, and the one known before that from the tab's own copy. */
let ticket: string | null = null
let knownTicket: string | null = null
let sent = ''
/** The note as it went out with the last saved outcome: saving again must not write it twice. */
let noted = ''
/** Names one wish to save: the same on each try, another once it is saved or the form has changed. */
let saveId = ''
let saveOf = ''
let timer: ReturnType<typeof setTimeout> | undefined
let leftTimer: ReturnType<typeof setTimeout> | undefined
let started = false

/** The fields that still have to be filled before this outcome can be saved. */
export function missingFields(given: Form, recall: boolean): Field[] {
  const fields: Field[] = []
  if (!given.outcome) fields.push('outcome')
  if (given.outcome === 'transferred') return fields
  if (!given.topic) fields.push('topic')
  if (recall && !given.cause) fields.push('cause')
  if (given.outcome === 'call_back' && !given.due) fields.push('due')
  return fields
}

function print(): string {
  return JSON.stringify(form)
}

function keep(): void {
  if (interaction) keepWork<Form>(interaction, { ticket: ticket ?? knownTicket, form: { ...form }, sent, noted, saved: saved.value })
}

/** Sends what calls that have left the desk still had unsent, until the server has it. */
async function sendLeft(): Promise<void> {
  clearTimeout(leftTimer)
  if (await sendLeftNotes(interaction)) leftTimer = setTimeout(() => void sendLeft(), AGAIN)
}

function begin(id: string | null): void {
  clearTimeout(timer)
  keep()
  interaction = id
  void sendLeft()
  const found = id ? keptWork<Form>(id) : null
  Object.assign(form, EMPTY, found?.form)
  ticket = null
  knownTicket = found?.ticket ?? null
  sent = ''
  saved.value = found?.saved ?? null
  noted = found?.noted ?? ''
  missing.value = []
  problem.value = null
  draft.value = form.note ? 'kept' : 'empty'
  draftAt.value = null
}

/** A ticket came (or the call was linked to another): take over what it holds, never over the agent's own words. */
function adopt(found: Schemas['Ticket']): void {
  if (ticket === found.id) return
  const moved = ticket !== null
  ticket = found.id
  sent = found.draft ?? ''
  keep()
  if (!form.note && found.draft) {
    form.note = found.draft
    draft.value = 'saved'
  }
  if (found.topic_id && (!form.topic || moved)) form.topic = found.topic_id
  if (form.note !== sent && form.note !== noted) later(0)
  else if (form.note === sent) draft.value = sent ? 'saved' : 'empty'
}

function later(wait = PAUSE): void {
  clearTimeout(timer)
  if (draft.value !== 'saving') draft.value = form.note || sent ? 'kept' : 'empty'
  timer = setTimeout(() => void sendDraft(), wait)
}

async function sendDraft(): Promise<void> {
  if (!ticket || form.note === sent || form.note === noted) return
  const text = form.note
  const to = ticket
  draft.value = 'saving'
  try {
    await body(api.PUT('/api/tickets/{ticket_id}/draft', { params: { path: { ticket_id: to } }, body: { text } }))
    if (to !== ticket) return
    sent = text
    keep()
    draft.value = text ? 'saved' : 'empty'
    draftAt.value = Date.now()
    if (form.note !== sent) later()
  } catch {
    draft.value = 'kept'
    later(AGAIN)
  }
}

/** Saves the outcome with topic, cause and note; false (and `missing` filled) when something is still to be chosen. */
async function save(): Promise<boolean> {
  const { call } = useDesk()
  const now = call.value
  if (!now?.ticket_id || saving.value) return false
  missing.value = missingFields(form, now.recall)
  if (missing.value.length > 0) return false
  saving.value = true
  clearTimeout(timer)
  if (saveOf !== now.interaction_id + print()) {
    saveId = randomId()
    saveOf = now.interaction_id + print()
  }
  try {
    const answer = await body(api.POST('/api/tickets/{ticket_id}/outcome', {
      params: { path: { ticket_id: now.ticket_id } },
      body: {
        save_id: saveId, interaction_id: now.interaction_id, outcome: form.outcome!, ...(form.topic ? { topic: form.topic } : {}),
        ...(form.cause ? { cause: form.cause } : {}), ...(form.note.trim() && form.note !== noted ? { note: form.note.trim() } : {}),
        ...(form.outcome === 'call_back' && form.due ? { due: form.due } : {}), ...(form.outcome === 'hand_over' && form.reason.trim() ? { reason: form.reason.trim() } : {}),
      },
    }))
    saved.value = { at: Date.now(), print: print() }
    problem.value = null
    saveOf = ''
    sent = ''
    noted = form.note
    draft.value = 'empty'
    keep()
    queries.setQueryData(['ticket', answer.id], answer)
    void ticketChanged()
    return true
  } catch (error) {
    problem.value = error instanceof ApiProblem ? error : new ApiProblem(0, 'no_server', '', '')
    later(0)
    return false
  } finally {
    saving.value = false
  }
}

/** The watchers live as long as the page, not as long as the component that asked first. */
function start(): void {
  if (started) return
  started = true
  effectScope(true).run(() => {
    const { call, link } = useDesk()
    watch(() => call.value?.interaction_id ?? null, id => { if (id !== interaction) begin(id) }, { immediate: true })
    watch(form, () => {
      keep()
      if (missing.value.length > 0) missing.value = missingFields(form, call.value?.recall ?? false).filter(field => missing.value.includes(field))
    }, { deep: true })
    watch(() => call.value?.passed_on ?? false, passedOn => { if (passedOn && !form.outcome) form.outcome = 'transferred' }, { immediate: true })
    watch(() => form.note, () => { if (form.note !== sent && form.note !== noted) later() })
    watch(form, () => { if (saved.value && saved.value.print !== print()) saved.value = null }, { deep: true })
    // Somebody, or the clock, settled a promise: the call's ticket tells it too.
    watch(() => call.value?.pop?.promises.map(promise => promise.id + promise.status).join() ?? '', () => { if (ticket) void queries.invalidateQueries({ queryKey: ['ticket', ticket] }) })
    watch(() => link.value.phase, phase => {
      if (phase !== 'open') return
      if (draft.value === 'kept') later(0)
      void sendLeft()
    })
  })
}

/** What may be chosen now; also somebody who learns only from the server that a colleague has gone on may say so. */
const choices = computed(() => outcomesOf((useDesk().call.value?.passed_on ?? false) || problem.value?.code === 'gone_on'))

/** The agent's work on the present call: note with its draft, topic, cause and outcome. It survives a reload. */
export function useWork() {
  start()
  return { form, missing, problem, saving, saved, draft, draftAt, choices, save }
}

/** The ticket of the present call, with notes and history; its draft and topic flow into the form. */
export function useCallTicket() {
  start()
  const { call } = useDesk()
  const id = computed(() => call.value?.ticket_id ?? null)
  const query = useQuery({
    queryKey: computed(() => ['ticket', id.value]),
    queryFn: () => body(api.GET('/api/tickets/{ticket_id}', { params: { path: { ticket_id: id.value! } } })),
    enabled: computed(() => id.value !== null),
  })
  watch(query.data, found => { if (found && found.id === id.value) adopt(found) }, { immediate: true })
  return query
}
