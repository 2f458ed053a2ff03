import { EventEmitter } from 'node:events'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { answersItself, BrowserPhone } from '@/desk/phone'
import { soon } from './soon'

class Session extends EventEmitter {
  status: 'ringing' | 'established' | 'ended' = 'ringing'
  answer = vi.fn()
  renegotiate = vi.fn()
  mute = vi.fn()
  unmute = vi.fn()
  sendDTMF = vi.fn()
  terminate = vi.fn(() => this.end())
  connection = { getSenders: () => [], getStats: () => Promise.resolve(new Map()) }
  remote_identity = { uri: { user: '+393475550142' }, display_name: 'Portabilità' }
  constructor(readonly id: string) { super() }
  isEnded = () => this.status === 'ended'
  isEstablished = () => this.status === 'established'
  confirm() { this.status = 'established'; this.emit('confirmed') }
  end() { this.status = 'ended'; this.emit('ended') }
}
class FakeUa extends EventEmitter {
  static last: FakeUa
  start = vi.fn()
  stop = vi.fn()
  transport = { disconnect: vi.fn(), connect: vi.fn() }
  constructor(readonly configuration: Record<string, unknown>) {
    super()
    FakeUa.last = this
  }
}

vi.mock('jssip', () => ({
  default: { UA: class { constructor(configuration: Record<string, unknown>) { return new FakeUa(configuration) } }, WebSocketInterface: class {}, C: { DTMF_TRANSPORT: { RFC2833: 'RFC2833' } } },
}))

const track = { kind: 'audio', readyState: 'live', enabled: true, stop: vi.fn() }
const asked = vi.fn()

beforeEach(() => {
  track.enabled = true
  asked.mockReset().mockResolvedValue({ getAudioTracks: () => [track], getTracks: () => [track] })
  Object.defineProperty(navigator, 'mediaDevices', { configurable: true, value: { getUserMedia: asked, enumerateDevices: () => Promise.resolve([]) } })
})

async function registered() {
  const phone = new BrowserPhone()
  phone.start({ uri: 'sip:2001@onecall', password: 'secret', ws_url: 'wss://localhost:8089/ws', display_name: 'Giulia' })
  FakeUa.last.emit('registered')
  await soon(() => expect(asked).toHaveBeenCalled())
  return { phone, ua: FakeUa.last }
}
function invite(ua: FakeUa, id: string, headers: Record<string, string> = {}): Session {
  const session = new Session(id)
  ua.emit('newRTCSession', { originator: 'remote', session, request: { getHeader: (name: string) => headers[name] } })
  return session
}

describe('the browser phone', () => {
  it('opens its socket anew when told to, and leaves the calls that are up alone', async () => {
    const { phone, ua } = await registered()
    const session = invite(ua, 's1', { 'X-OneCall-Id': 'i1' })
    session.confirm()
    phone.reconnect()
    expect(ua.transport.disconnect).toHaveBeenCalledBefore(ua.transport.connect)
    expect(session.terminate).not.toHaveBeenCalled()
    expect(ua.stop).not.toHaveBeenCalled()
  })

  it('shows a ringing leg with the interaction of its header and answers it only when told', async () => {
    const { phone, ua } = await registered()
    const session = invite(ua, 's1', { 'X-OneCall-Id': 'call-1' })
    expect(phone.view.legs).toMatchObject([{ interactionId: 'call-1', state: 'ringing', number: '+393475550142' }])
    expect(session.answer).not.toHaveBeenCalled()
    phone.answer('call-1')
    await soon(() => expect(session.answer).toHaveBeenCalledTimes(1))
    session.confirm()
    expect(phone.leg('call-1')!.state).toBe('live')
    phone.stop()
  })

  it('answers as soon as it rings when the agent pressed answer on the pop, before the INVITE was here', async () => {
    const { phone, ua } = await registered()
    phone.answer('call-1')
    const other = invite(ua, 's1', { 'X-OneCall-Id': 'call-2' })
    const wanted = invite(ua, 's2', { 'X-OneCall-Id': 'call-1' })
    await soon(() => expect(wanted.answer).toHaveBeenCalled())
    expect(other.answer).not.toHaveBeenCalled()
    phone.stop()
  })

  it('answers by itself when the server asks for it, as after a page reload', async () => {
    const { phone, ua } = await registered()
    const session = invite(ua, 's1', { 'X-OneCall-Id': 'call-1', 'Call-Info': '<sip:127.0.0.1>;answer-after=0' })
    await soon(() => expect(session.answer).toHaveBeenCalled())
    expect([answersItself('<sip:x>; answer-after=0'), answersItself('<sip:x>;answer-after=05'), answersItself(undefined)]).toEqual([true, false, false])
    phone.stop()
  })

  it('renegotiates live calls after it has registered again, and never on the first registration', async () => {
    const { phone, ua } = await registered()
    const session = invite(ua, 's1', { 'X-OneCall-Id': 'call-1' })
    phone.answer('call-1')
    await soon(() => expect(session.answer).toHaveBeenCalled())
    session.confirm()
    expect(session.renegotiate).not.toHaveBeenCalled()
    ua.emit('disconnected')
    expect(phone.view.registration).toBe('connecting')
    ua.emit('registered')
    expect(session.renegotiate).toHaveBeenCalledWith({ useUpdate: false })
    phone.stop()
  })

  it('uses one microphone stream for all calls of the page', async () => {
    const { phone, ua } = await registered()
    for (const id of ['call-1', 'call-2']) {
      const session = invite(ua, id, { 'X-OneCall-Id': id, 'Call-Info': '<x>;answer-after=0' })
      await soon(() => expect(session.answer).toHaveBeenCalled())
    }
    expect(asked).toHaveBeenCalledTimes(1)
    phone.stop()
    expect(track.stop).toHaveBeenCalled()
  })

  it('stays muted over a reconnection of the same call and is open again for the next one', async () => {
    const { phone, ua } = await registered()
    const first = invite(ua, 's1', { 'X-OneCall-Id': 'call-1', 'Call-Info': '<x>;answer-after=0' })
    await soon(() => expect(first.answer).toHaveBeenCalled())
    first.confirm()
    phone.setMuted(true)
    expect(track.enabled).toBe(false)
    const again = invite(ua, 's2', { 'X-OneCall-Id': 'call-1', 'Call-Info': '<x>;answer-after=0' })
    await soon(() => expect(again.answer).toHaveBeenCalled())
    again.confirm()
    first.end()
    expect(phone.view.muted).toBe(true)
    expect(again.mute).toHaveBeenCalledWith({ audio: true })
    again.end()
    expect(phone.view.muted).toBe(false)
    expect(track.enabled).toBe(true)
    phone.stop()
  })

  it('refuses with busy while it rings and hangs up plainly once it talks', async () => {
    const { phone, ua } = await registered()
    const ringing = invite(ua, 's1', { 'X-OneCall-Id': 'call-1' })
    phone.hangUp('call-1')
    expect(ringing.terminate).toHaveBeenCalledWith({ status_code: 486 })
    const talking = invite(ua, 's2', { 'X-OneCall-Id': 'call-2', 'Call-Info': '<x>;answer-after=0' })
    await soon(() => expect(talking.answer).toHaveBeenCalled())
    talking.confirm()
    phone.hangUp('call-2')
    expect(talking.terminate).toHaveBeenCalledWith({})
    expect(phone.view.legs).toEqual([])
    phone.stop()
  })

  it('leaves a live call alone when another window takes over, and goes when the server has moved it', async () => {
    const { phone, ua } = await registered()
    const session = invite(ua, 's1', { 'X-OneCall-Id': 'call-1', 'Call-Info': '<x>;answer-after=0' })
    await soon(() => expect(session.answer).toHaveBeenCalled())
    session.confirm()
    phone.retire()
    expect(ua.stop).not.toHaveBeenCalled()
    session.end()
    expect(ua.stop).toHaveBeenCalled()
  })

  it('stays when its agent comes back before the call is over, and never for another agent', async () => {
    const { phone, ua } = await registered()
    const session = invite(ua, 's1', { 'X-OneCall-Id': 'call-1', 'Call-Info': '<x>;answer-after=0' })
    await soon(() => expect(session.answer).toHaveBeenCalled())
    session.confirm()
    phone.retire()
    phone.keep('2001')
    session.end()
    expect(ua.stop).not.toHaveBeenCalled()
    const next = invite(ua, 's2', { 'X-OneCall-Id': 'call-2', 'Call-Info': '<x>;answer-after=0' })
    await soon(() => expect(next.answer).toHaveBeenCalled())
    next.confirm()
    phone.retire()
    phone.keep('2002')
    next.end()
    expect(ua.stop).toHaveBeenCalled()
  })

  it('is off once it is stopped, whatever its library still tells of the farewell', async () => {
    const { phone, ua } = await registered()
    phone.stop()
    ua.emit('unregistered')
    ua.emit('disconnected')
    expect(phone.view.registration).toBe('off')
  })

  it('keeps ringing and says why when the browser refuses the microphone', async () => {
    const { phone, ua } = await registered()
    phone.stop()
    const { devices, releaseMicrophone } = await import('@/desk/microphone')
    releaseMicrophone()
    asked.mockRejectedValue(new DOMException('no', 'NotAllowedError'))
    const again = await registered().catch(() => null)
    const session = invite(again?.ua ?? ua, 's9', { 'X-OneCall-Id': 'call-9' })
    again?.phone.answer('call-9')
    await soon(() => expect(devices.state).toBe('denied'))
    await soon(() => expect(again?.phone.leg('call-9')?.state).toBe('ringing'))
    expect(session.answer).not.toHaveBeenCalled()
    again?.phone.stop()
  })
})
