import { computed, reactive, ref, shallowRef, watch } from 'vue'
import { api, body } from '@/api/client'
import { ApiProblem } from '@/api/problem'
import { me, renewed } from '@/api/session'
import { learnServerTime } from '@/design/clock'
import { complete } from './complete'
import type { Desk } from './model'
import { isLive } from './model'
import { afterPaint } from './painted'
import { BrowserPhone } from './phone'
import { startTone, stopTone } from './ring'
import { BACK_OFF, CommandRefused, DeskSocket, type Link } from './socket'

/** The last Desk heard; each message replaces it whole. Null until the first one. */
const desk = shallowRef<Desk | null>(null)
const link = ref<Link>({ phase: 'closed', attempt: 0, nextTry: null, lastHeard: null })
/** Commands on their way, by name, so that a button can show it and is not pressed twice. */
const busy = reactive(new Set<string>())
/** The last refused command, shown once by the shell. */
const refusal = shallowRef<{ cmd: string, error: CommandRefused } | null>(null)
const phone = new BrowserPhone()
const phoneProblem = shallowRef<ApiProblem | null>(null)
/** Routing does not answer although the socket is up: the Desk shown may be old. */
const unavailable = ref(false)

/** How long server and page may disagree on whether the phone is registered, ms: a registration is told a moment later. */
const DOUBT = 3000

let socket: DeskSocket | null = null
let doubt: ReturnType<typeof setTimeout> | undefined
let phoneRetry: ReturnType<typeof setTimeout> | undefined
let phoneTries = 0
/** The session's token when the socket was opened. */
let openedUnder: string | undefined

const call = computed(() => desk.value?.call ?? null)
const lost = computed(() => link.value.phase === 'lost' || unavailable.value)
const browserPhone = computed(() => desk.value?.agent.phone.kind === 'browser')
/** The agent works with the browser's phone, here, and it is not running (any more): it must be started. */
const phoneMissing = computed(() => browserPhone.value && link.value.phase === 'open' && ['off', 'failed'].includes(phone.view.registration) && phone.view.legs.length === 0)
/** A leg at this phone that the Desk does not speak of, such as a colleague's consultation while the socket is away. */
const looseLeg = computed(() => phone.view.legs.find(leg => leg.interactionId === null || leg.interactionId !== call.value?.interaction_id) ?? null)

function address(path: string): string {
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`
}

function take(told: Desk): void {
  const next = complete(told)
  const before = desk.value
  learnServerTime(next.at)
  unavailable.value = false
  desk.value = next
  if (next.call?.phase === 'ringing') void afterPaint(() => socket?.painted(next.seq))
  if (before?.call && before.call.interaction_id !== next.call?.interaction_id) phone.forgetWish()
  if (next.agent.phone.kind === 'browser') phone.keep(next.agent.extension)
  else phone.retire()
}

/** Registers the browser phone; when its credentials cannot be had, tries again with growing pauses. */
async function startPhone(): Promise<void> {
  clearTimeout(phoneRetry)
  try {
    const credentials = await body(api.GET('/api/phone'))
    phoneProblem.value = null
    if (phoneMissing.value) phone.start(credentials)
  } catch (error) {
    phoneProblem.value = error instanceof ApiProblem ? error : new ApiProblem(0, 'no_server', '', '')
    startPhoneLater()
  }
}

function startPhoneLater(): void {
  clearTimeout(phoneRetry)
  phoneTries += 1
  phoneRetry = setTimeout(() => { if (phoneMissing.value) void startPhone() }, BACK_OFF[Math.min(phoneTries, BACK_OFF.length) - 1]! * 1000)
}

/** Starts the phone anew at once (the agent asked for it). */
function restartPhone(): void {
  phone.retire()
  if (phoneMissing.value) void startPhone()
}

async function signedOut(): Promise<void> {
  socket = null
  if (await renewed(openedUnder)) startDesk()
  else stopDesk()
}

function linkChanged(next: Link): void {
  link.value = next
  if (next.phase === 'signed_out') void signedOut()
  if (next.phase === 'replaced') {
    stopTone()
    phone.retire()
  }
}

/** Opens the desk of the signed-in agent; a second call changes nothing. */
export function startDesk(): void {
  if (socket && link.value.phase !== 'replaced' && link.value.phase !== 'closed') return
  socket = new DeskSocket({ url: address('/api/desk'), onDesk: take, onLink: linkChanged, onUnavailable: () => { unavailable.value = true } })
  openedUnder = me.value?.csrf
  socket.open()
  window.addEventListener('online', tryNow)
  window.addEventListener('offline', suspect)
}

/** Closes the desk; the phone goes as soon as no call is up at it: the end of a session must not cut a customer off. */
export function stopDesk(): void {
  window.removeEventListener('online', tryNow)
  window.removeEventListener('offline', suspect)
  socket?.close()
  socket = null
  phone.retire()
  stopTone()
  desk.value = null
}

function tryNow(): void {
  socket?.open(true)
}

function suspect(): void {
  socket?.suspect()
}

/** Sends a command; while it runs, `busy` holds its name. Resolves to whether the server carried it out. */
async function act(cmd: string, args: Record<string, unknown> = {}): Promise<boolean> {
  if (!socket || busy.has(cmd)) return false
  busy.add(cmd)
  try {
    await socket.command(cmd, args)
    return true
  } catch (error) {
    if (error instanceof CommandRefused && error.code !== 'closed') refusal.value = { cmd, error }
    return false
  } finally {
    busy.delete(cmd)
  }
}

function answer(): void {
  const ringing = call.value?.phase === 'ringing' ? call.value : null
  if (!ringing) {
    if (looseLeg.value?.state === 'ringing') phone.answer(looseLeg.value.interactionId)
  } else if (browserPhone.value) {
    phone.answer(ringing.interaction_id)
  } else {
    void act('call.answer')
  }
}

/**
 * Refuses while it rings, ends while it is live: by the server when it can be reached, else by the phone itself. A
 * consulted expert only ever leaves: the call is the colleague's.
 */
async function end(): Promise<void> {
  const now = call.value
  if (!now || now.phase === 'ended') {
    if (looseLeg.value) phone.hangUp(looseLeg.value.interactionId)
    return
  }
  if (now.role === 'expert' && browserPhone.value) return phone.hangUp(now.interaction_id)
  const done = link.value.phase === 'open' && await act(now.phase === 'ringing' ? 'call.refuse' : 'call.hang_up')
  if (!done && browserPhone.value) phone.hangUp(now.interaction_id)
}

function digits(tones: string): void {
  if (browserPhone.value) phone.digits(tones)
  else void act('call.dtmf', { digits: tones })
}

watch(() => {
  const ringing = call.value?.phase === 'ringing' || (looseLeg.value?.state === 'ringing' && !isLive(call.value?.phase))
  const answering = phone.view.legs.some(leg => leg.state !== 'ringing')
  if (ringing && !answering && link.value.phase !== 'replaced') return 'ring' as const
  return call.value?.consult?.state === 'ringing' && browserPhone.value ? 'ringback' as const : null
}, tone => tone ? startTone(tone) : stopTone())

watch(() => link.value.phase === 'open' && browserPhone.value && phone.view.registration === 'registered' && desk.value?.agent.phone.registered === false, doubtful => {
  clearTimeout(doubt)
  if (doubtful) doubt = setTimeout(() => phone.reconnect(), DOUBT)
})

watch(phoneMissing, missing => {
  if (!missing) return clearTimeout(phoneRetry)
  // A refused registration is no reason to ask again at once; a phone that was never started is.
  if (phone.view.registration === 'failed') startPhoneLater()
  else void startPhone()
})
watch(() => phone.view.registration, state => { if (state === 'registered') phoneTries = 0 })

watch(me, person => { if (!person) stopDesk() })

/** The agent's desk: what the server says, how the line stands, and what can be done. One for the whole page. */
export function useDesk() {
  return { desk, call, link, lost, busy, refusal, phone, phoneProblem, browserPhone, looseLeg, unavailable, act, answer, end, digits, tryNow, restartPhone }
}
