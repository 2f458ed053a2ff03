import { reactive } from 'vue'

export type MicrophoneState = 'unknown' | 'asking' | 'ok' | 'denied' | 'missing' | 'busy' | 'insecure'

const CHOICES = 'onecall.devices'

interface Choices { microphone: string, speaker: string, ringer: string }

function stored(): Choices {
  const empty = { microphone: '', speaker: '', ringer: '' }
  try {
    return { ...empty, ...JSON.parse(localStorage.getItem(CHOICES) ?? '{}') as Partial<Choices> }
  } catch {
    return empty
  }
}

/** The audio devices of this machine and which of them are chosen; an empty id means the system's default. */
export const devices = reactive({
  state: 'unknown' as MicrophoneState,
  microphones: [] as MediaDeviceInfo[],
  speakers: [] as MediaDeviceInfo[],
  chosen: stored(),
})

let stream: MediaStream | null = null
let opening: Promise<MediaStream> | null = null
let muted = false

/** The page's one shared microphone stream, opened at most once; throws after writing the reason in `devices.state`. */
export function microphone(): Promise<MediaStream> {
  if (stream?.getAudioTracks().some(track => track.readyState === 'live')) return Promise.resolve(stream)
  opening ??= open().finally(() => { opening = null })
  return opening
}

async function open(): Promise<MediaStream> {
  if (!navigator.mediaDevices?.getUserMedia) {
    devices.state = 'insecure'
    throw new Error('microphone needs a secure page')
  }
  if (devices.state !== 'ok') devices.state = 'asking'
  try {
    const id = devices.chosen.microphone
    stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...(id ? { deviceId: { ideal: id } } : {}) },
    })
  } catch (error) {
    devices.state = reason(error)
    throw error
  }
  devices.state = 'ok'
  apply()
  await listDevices()
  return stream
}

function reason(error: unknown): MicrophoneState {
  const name = error instanceof DOMException ? error.name : ''
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'denied'
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'missing'
  return 'busy'
}

/** Silences or opens the microphone for every call of the page. */
export function setMicrophoneMuted(on: boolean): void {
  muted = on
  apply()
}

function apply(): void {
  for (const track of stream?.getAudioTracks() ?? []) track.enabled = !muted
}

/** Reads the devices again; their names are empty until the microphone was allowed once. */
export async function listDevices(): Promise<void> {
  const all = await navigator.mediaDevices?.enumerateDevices?.() ?? []
  devices.microphones = all.filter(device => device.kind === 'audioinput')
  devices.speakers = all.filter(device => device.kind === 'audiooutput')
}

/** Remembers a choice; a new microphone is handed to `swap`, which puts its track into the calls that are up. */
export async function chooseDevice(kind: keyof Choices, id: string, swap: (track: MediaStreamTrack) => Promise<void>): Promise<void> {
  devices.chosen[kind] = id
  localStorage.setItem(CHOICES, JSON.stringify(devices.chosen))
  if (kind !== 'microphone') return
  const old = stream
  stream = null
  const track = (await microphone()).getAudioTracks()[0]
  if (track) await swap(track)
  for (const gone of old?.getTracks() ?? []) gone.stop()
}

/** Lets the microphone go (sign-out). */
export function releaseMicrophone(): void {
  for (const track of stream?.getTracks() ?? []) track.stop()
  stream = null
  muted = false
}
