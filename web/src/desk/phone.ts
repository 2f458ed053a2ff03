import JsSIP from 'jssip'
import type { RTCSession } from 'jssip/lib/RTCSession'
import type { UA, RTCSessionEvent } from 'jssip/lib/UA'
import { reactive } from 'vue'
import { chooseDevice, devices, microphone, releaseMicrophone, setMicrophoneMuted } from './microphone'

export interface PhoneCredentials { uri: string, password: string, ws_url: string, display_name: string }
export type Registration = 'off' | 'connecting' | 'registered' | 'failed'
export type LegState = 'ringing' | 'answering' | 'live'

/** One call leg at this phone, as the page may show it. `interactionId` is ours, from the INVITE's header. */
export interface Leg {
  key: string
  interactionId: string | null
  state: LegState
  number: string
  name: string
}

export interface Quality { rtt: number, loss: number }

/** What the page knows of its phone. */
export interface PhoneView {
  registration: Registration
  legs: Leg[]
  muted: boolean
  quality: Quality | null
}

const MUTED_KEY = 'onecall.muted'
/** Longest wait for more ICE candidates after the first one, ms: without STUN the first is the one that counts. */
const ICE_PATIENCE = 120

/** A header that asks the phone to answer by itself, as after a page reload. */
export function answersItself(callInfo: string | undefined): boolean {
  return /;\s*answer-after\s*=\s*0\b/i.test(callInfo ?? '')
}

/**
 * The phone in the browser: registers over the secure websocket, carries the audio, answers, mutes and dials digits.
 * Everything else (hold, transfer, recording) is a server command; the Desk, not the phone, says what state a call has.
 */
export class BrowserPhone {
  readonly view: PhoneView = reactive({ registration: 'off', legs: [], muted: false, quality: null })
  private ua: UA | null = null
  private sessions = new Map<string, RTCSession>()
  private sounds = new Map<string, HTMLAudioElement>()
  private wanted: string | null = null
  private user = ''
  private wasRegistered = false
  private retiring = false
  private meter: ReturnType<typeof setInterval> | undefined

  /** Opens the microphone and registers; a refused microphone does not stop the registration, only the answering. */
  start(credentials: PhoneCredentials): void {
    this.stop()
    this.view.registration = 'connecting'
    this.user = credentials.uri.replace(/^sips?:/, '').split('@')[0]!
    void microphone().catch(() => undefined)
    const ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(credentials.ws_url)],
      uri: credentials.uri,
      password: credentials.password,
      display_name: credentials.display_name,
      register_expires: 120,
      session_timers: false,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 8,
      user_agent: 'OneCall desktop',
    })
    // A phone that was stopped goes on telling of its farewell: that says nothing about the one that followed.
    const became = (state: Registration) => () => { if (this.ua === ua) this.view.registration = state }
    ua.on('connecting', became('connecting'))
    ua.on('disconnected', became('connecting'))
    ua.on('registered', () => { if (this.ua === ua) this.registered() })
    ua.on('unregistered', became('connecting'))
    ua.on('registrationFailed', became('failed'))
    ua.on('newRTCSession', (event: RTCSessionEvent) => this.arrived(event))
    this.ua = ua
    ua.start()
  }

  /** Nobody works at this page any more: a live call is left alone until it ends or the server moves it, then the phone goes. */
  retire(): void {
    if (!this.view.legs.some(leg => leg.state !== 'ringing')) this.stop()
    else this.retiring = true
  }

  /** The agent of this extension works here again: a phone that was to go stays. */
  keep(extension: string): void {
    if (extension === this.user) this.retiring = false
  }

  /** Opens the socket anew: the server has lost this phone though the page believes otherwise. Calls that are up go on. */
  reconnect(): void {
    // The library offers this only by stopping the whole phone, which would end its calls.
    const transport = (this.ua as unknown as { transport?: { disconnect(): void, connect(): void } } | null)?.transport
    transport?.disconnect()
    transport?.connect()
  }

  /** Ends calls and registration. */
  stop(): void {
    clearInterval(this.meter)
    this.meter = undefined
    this.retiring = false
    const ua = this.ua
    this.ua = null
    ua?.stop()
    this.wasRegistered = false
    this.view.registration = 'off'
    releaseMicrophone()
  }

  leg(interactionId: string | null): Leg | undefined {
    return this.view.legs.find(leg => leg.interactionId === interactionId)
  }

  /** Answers the ringing leg of that interaction now, or as soon as its INVITE arrives. */
  answer(interactionId: string | null): void {
    const leg = this.view.legs.find(each => each.state === 'ringing' && each.interactionId === interactionId)
    if (leg) void this.pickUp(leg)
    else this.wanted = interactionId
  }

  /** Forgets a wish to answer a call that is no longer offered. */
  forgetWish(): void {
    this.wanted = null
  }

  /** Ends every leg of that interaction at this phone: 486 while it rings, BYE afterwards. */
  hangUp(interactionId: string | null): void {
    for (const leg of this.view.legs.filter(each => each.interactionId === interactionId)) {
      const session = this.sessions.get(leg.key)
      if (!session || session.isEnded()) continue
      session.terminate(leg.state === 'live' ? {} : { status_code: 486 })
    }
  }

  setMuted(on: boolean): void {
    this.view.muted = on
    setMicrophoneMuted(on)
    for (const session of this.sessions.values()) {
      if (!session.isEstablished()) continue
      if (on) session.mute({ audio: true })
      else session.unmute({ audio: true })
    }
    const live = this.view.legs.find(leg => leg.state === 'live')
    if (on && live) sessionStorage.setItem(MUTED_KEY, live.interactionId ?? live.key)
    else sessionStorage.removeItem(MUTED_KEY)
  }

  /** Sends digits in the audio stream (RFC 4733) of the live call. */
  digits(tones: string): void {
    for (const session of this.sessions.values()) {
      if (session.isEstablished()) session.sendDTMF(tones, { transportType: JsSIP.C.DTMF_TRANSPORT.RFC2833, duration: 120, interToneGap: 80 })
    }
  }

  /** Chooses a device; a new microphone goes into the calls that are up without a pause. */
  async choose(kind: 'microphone' | 'speaker' | 'ringer', id: string): Promise<void> {
    await chooseDevice(kind, id, async track => {
      track.enabled = !this.view.muted
      for (const session of this.sessions.values()) {
        const sender = session.connection?.getSenders().find(each => each.track?.kind === 'audio')
        await sender?.replaceTrack(track)
      }
    })
    if (kind === 'speaker') for (const sound of this.sounds.values()) void this.toSpeaker(sound)
  }

  private registered(): void {
    this.view.registration = 'registered'
    if (this.wasRegistered) {
      // Asterisk still sends to the socket that died: without a re-INVITE over the new one, its BYE would never arrive.
      for (const session of this.sessions.values()) if (session.isEstablished()) session.renegotiate({ useUpdate: false })
    }
    this.wasRegistered = true
  }

  private arrived(event: RTCSessionEvent): void {
    if (event.originator !== 'remote') return
    const session = event.session
    const request = event.request
    const leg: Leg = reactive({
      key: session.id,
      interactionId: request.getHeader('X-OneCall-Id') ?? null,
      state: 'ringing',
      number: session.remote_identity.uri.user ?? '',
      name: session.remote_identity.display_name ?? '',
    })
    this.sessions.set(leg.key, session)
    this.view.legs.push(leg)
    session.on('confirmed', () => this.live(leg))
    session.on('ended', () => this.gone(leg))
    session.on('failed', () => this.gone(leg))
    this.listen(session, leg)
    const wished = leg.interactionId !== null && leg.interactionId === this.wanted
    if (wished || answersItself(request.getHeader('Call-Info'))) void this.pickUp(leg)
  }

  private async pickUp(leg: Leg): Promise<void> {
    const session = this.sessions.get(leg.key)
    if (!session || leg.state !== 'ringing') return
    leg.state = 'answering'
    this.wanted = null
    try {
      const mediaStream = await microphone()
      if (session.isEnded()) return
      session.answer({ mediaStream, pcConfig: { iceServers: [] } })
    } catch {
      leg.state = 'ringing'
    }
  }

  private listen(session: RTCSession, leg: Leg): void {
    let patience: ReturnType<typeof setTimeout> | undefined
    session.on('icecandidate', ({ ready }) => { patience ??= setTimeout(ready, ICE_PATIENCE) })
    session.on('peerconnection', ({ peerconnection }) => {
      peerconnection.addEventListener('track', ({ streams, track }: RTCTrackEvent) => this.hear(leg, streams[0] ?? new MediaStream([track])))
    })
  }

  private hear(leg: Leg, stream: MediaStream): void {
    const sound = this.sounds.get(leg.key) ?? document.createElement('audio')
    sound.autoplay = true
    sound.dataset.testid = 'remote-audio'
    sound.srcObject = stream
    document.body.append(sound)
    this.sounds.set(leg.key, sound)
    void this.toSpeaker(sound)
    void sound.play().catch(() => undefined)
  }

  private async toSpeaker(sound: HTMLAudioElement): Promise<void> {
    await sound.setSinkId?.(devices.chosen.speaker).catch(() => undefined)
  }

  private live(leg: Leg): void {
    leg.state = 'live'
    if (sessionStorage.getItem(MUTED_KEY) === (leg.interactionId ?? leg.key) || this.view.muted) this.setMuted(true)
    this.meter ??= setInterval(() => void this.measure(), 2000)
  }

  private gone(leg: Leg): void {
    this.sessions.delete(leg.key)
    this.sounds.get(leg.key)?.remove()
    this.sounds.delete(leg.key)
    this.view.legs = this.view.legs.filter(each => each.key !== leg.key)
    if (this.view.legs.length > 0) return
    this.setMuted(false)
    clearInterval(this.meter)
    this.meter = undefined
    this.view.quality = null
    if (this.retiring) this.stop()
  }

  private async measure(): Promise<void> {
    const session = [...this.sessions.values()].find(each => each.isEstablished())
    if (!session) return
    const quality: Quality = { rtt: 0, loss: 0 }
    const reports = await session.connection.getStats() as unknown as Map<string, Record<string, unknown>>
    for (const report of reports.values()) {
      if (report.type === 'candidate-pair' && report.nominated && typeof report.currentRoundTripTime === 'number') quality.rtt = report.currentRoundTripTime
      if (report.type === 'remote-inbound-rtp' && typeof report.fractionLost === 'number') quality.loss = Math.max(quality.loss, report.fractionLost)
    }
    this.view.quality = quality
  }
}
