import { computed, onScopeDispose, ref, shallowRef } from 'vue'
import type { Schemas } from '@/api/client'
import { me, renewed } from '@/api/session'
import { learnServerTime } from '@/design/clock'
import { BACK_OFF } from '@/desk/socket'

export type Floor = Schemas['Floor']
export type FloorQueue = Schemas['FloorQueue']
export type FloorAgent = Schemas['FloorAgent']
export type Alarm = Schemas['Alarm']
type Message = Schemas['FromFloorSocket']['message']

/** Silence after which a socket that used to hear pings counts as dead, ms. */
const SILENCE_LIMIT = 25_000
const REFUSED = new Set([4401, 4403])

const floor = shallowRef<Floor | null>(null)
const heard = ref<number | null>(null)
const live = ref(false)

let socket: WebSocket | null = null
let users = 0
let attempt = 0
/** The session's token when the socket was opened. */
let openedUnder: string | undefined
let retry: ReturnType<typeof setTimeout> | undefined
let silence: ReturnType<typeof setTimeout> | undefined

function open(): void {
  clearTimeout(retry)
  openedUnder = me.value?.csrf
  const mine = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/floor`)
  socket = mine
  mine.onmessage = event => { if (socket === mine) hear(JSON.parse(event.data as string) as Message) }
  mine.onclose = event => { if (socket === mine) lost(event.code) }
}

function hear(message: Message): void {
  heard.value = Date.now()
  clearTimeout(silence)
  silence = setTimeout(() => { socket?.close(); lost(0) }, SILENCE_LIMIT)
  if (message.type === 'floor') {
    learnServerTime(message.floor.at)
    floor.value = message.floor
    live.value = true
    attempt = 0
  } else if (message.type === 'unavailable') {
    live.value = false
  } else if (message.type === 'signed_out') {
    close()
    void renewed(openedUnder).then(again => { if (again && users > 0) open() })
  } else if (message.type === 'ping') {
    socket?.send(JSON.stringify({ type: 'pong' }))
  }
}

function lost(code: number): void {
  socket = null
  live.value = false
  clearTimeout(silence)
  if (REFUSED.has(code) || users === 0) return
  attempt += 1
  retry = setTimeout(open, BACK_OFF[Math.min(attempt, BACK_OFF.length) - 1]! * 1000)
}

function close(): void {
  clearTimeout(retry)
  clearTimeout(silence)
  const old = socket
  socket = null
  old?.close()
  live.value = false
}

/** The floor as the server sees it, kept fresh while a page shows it; `live` is false when it may be old. */
export function useFloor() {
  users += 1
  if (users === 1) open()
  onScopeDispose(() => {
    users -= 1
    if (users === 0) close()
  })
  return { floor, live, heard, queues: computed(() => floor.value?.queues ?? []), agents: computed(() => floor.value?.agents ?? []), alarms: computed(() => floor.value?.alarms ?? []) }
}
