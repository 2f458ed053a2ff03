import { devices } from './microphone'

type Pattern = 'ring' | 'ringback'
/** Seconds after which each pattern repeats: our own soft ring, and the Italian ringback (1 s tone, 4 s pause). */
const PERIOD: Record<Pattern, number> = { ring: 3, ringback: 5 }

let context: AudioContext | null = null
let playing: Pattern | null = null
let repeat: ReturnType<typeof setInterval> | undefined

/** The page's audio, running: a browser that wants a touch of the page first keeps us waiting until there is one. */
async function audio(): Promise<AudioContext> {
  context ??= new AudioContext()
  const now = context
  if (now.state === 'suspended') {
    const resume = () => { void now.resume() }
    window.addEventListener('pointerdown', resume, { once: true })
    window.addEventListener('keydown', resume, { once: true })
    await now.resume()
  }
  return now
}

function note(at: AudioContext, frequency: number, from: number, seconds: number, loudness: number, fade: boolean): void {
  const tone = at.createOscillator()
  const volume = at.createGain()
  tone.frequency.value = frequency
  volume.gain.setValueAtTime(0.0001, from)
  volume.gain.exponentialRampToValueAtTime(loudness, from + 0.03)
  if (fade) volume.gain.exponentialRampToValueAtTime(0.0001, from + seconds)
  else volume.gain.setValueAtTime(0.0001, from + seconds)
  tone.connect(volume).connect(at.destination)
  tone.start(from)
  tone.stop(from + seconds + 0.02)
}

function once(at: AudioContext, pattern: Pattern): void {
  const now = at.currentTime + 0.02
  if (pattern === 'ringback') return note(at, 425, now, 1, 0.06, false)
  note(at, 587.3, now, 0.9, 0.16, true)
  note(at, 880, now + 0.22, 1.1, 0.12, true)
}

async function onDevice(at: AudioContext & { setSinkId?: (id: string) => Promise<void> }, id: string): Promise<void> {
  await at.setSinkId?.(id).catch(() => undefined)
}

/** Starts a tone that repeats until `stopTone`; the ring goes to the ringer device, the ringback to the headset. */
export function startTone(pattern: Pattern): void {
  if (playing === pattern || typeof AudioContext === 'undefined') return
  stopTone()
  playing = pattern
  const device = pattern === 'ring' ? devices.chosen.ringer : devices.chosen.speaker
  void audio().then(async at => {
    await onDevice(at, device)
    if (playing !== pattern || repeat !== undefined) return
    once(at, pattern)
    repeat = setInterval(() => once(at, pattern), PERIOD[pattern] * 1000)
  })
}

export function stopTone(): void {
  playing = null
  clearInterval(repeat)
  repeat = undefined
}

/** One soft note: the last ten seconds of wrap-up, and the test button of the settings. */
export function softNote(): void {
  if (typeof AudioContext === 'undefined' || playing) return
  void audio().then(at => note(at, 660, at.currentTime + 0.02, 0.35, 0.05, true))
}
