import { describe, expect, it, vi } from 'vitest'
import { BACK_OFF, CommandRefused, OPEN_LIMIT, SILENCE_LIMIT } from '@/desk/socket'
import { deskOf, harness } from './fake-socket'

function connected(scenario = 'talking') {
  const h = harness()
  h.socket.open()
  h.last().open()
  h.last().say({ type: 'desk', desk: deskOf(scenario, 7) })
  return h
}

describe('the desk socket', () => {
  it('says hello with the last epoch and number it has seen, so that the server knows where it stands', () => {
    vi.useFakeTimers()
    const h = connected()
    expect(h.sockets[0]!.sent[0]).toEqual({ type: 'hello', epoch: null, seq: null })
    h.last().cut()
    vi.advanceTimersByTime(BACK_OFF[0]! * 1000)
    h.last().open()
    expect(h.last().sent[0]).toEqual({ type: 'hello', epoch: 'e-1', seq: 7 })
  })

  it('replaces the whole desk with each message and drops one that is older than the last', () => {
    const h = connected()
    h.last().say({ type: 'desk', desk: deskOf('hold', 9) })
    h.last().say({ type: 'desk', desk: deskOf('ready', 8) })
    expect(h.desks.map(desk => desk.seq)).toEqual([7, 9])
  })

  it('takes a lower number when the server has restarted with a new epoch', () => {
    const h = connected()
    h.last().say({ type: 'desk', desk: deskOf('ready', 1, { epoch: 'e-2' }) })
    expect(h.desks.at(-1)!.epoch).toBe('e-2')
  })

  it('resolves a command when the server replies and rejects it with the words of its refusal', async () => {
    const h = connected()
    const held = h.socket.command('call.hold')
    const refused = h.socket.command('call.transfer', { to: { kind: 'agent', id: 'a-2' } })
    h.last().say({ type: 'reply', id: 'c1', error: null })
    h.last().say({ type: 'reply', id: 'c2', error: { code: 'busy', what: 'Luca is in a call.', remedy: 'Choose another.', values: {} } })
    await expect(held).resolves.toBeUndefined()
    await expect(refused).rejects.toMatchObject({ code: 'busy', what: 'Luca is in a call.' })
  })

  it('sends a command again after a cut, with the same id, until it has its reply', async () => {
    vi.useFakeTimers()
    const h = connected()
    const held = h.socket.command('call.hold')
    h.last().cut()
    vi.advanceTimersByTime(BACK_OFF[0]! * 1000)
    h.last().open()
    expect(h.last().commands()).toEqual([])
    h.last().say({ type: 'desk', desk: deskOf('talking', 8) })
    expect(h.last().sent.at(-1)).toMatchObject({ type: 'cmd', id: 'c1', cmd: 'call.hold' })
    h.last().say({ type: 'reply', id: 'c1', error: null })
    await expect(held).resolves.toBeUndefined()
  })

  it('drops a command about a call that is over when the connection is back, so that it cannot hit the next call', async () => {
    vi.useFakeTimers()
    const h = connected()
    const gone = h.socket.command('call.hang_up')
    const kept = h.socket.command('agent.not_ready', { reason: 'break' })
    h.last().cut()
    vi.advanceTimersByTime(BACK_OFF[0]! * 1000)
    h.last().open()
    const next = deskOf('talking', 9)
    h.last().say({ type: 'desk', desk: { ...next, call: { ...next.call!, interaction_id: 'another-call' } } })
    expect(h.last().commands()).toEqual(['agent.not_ready'])
    await expect(gone).rejects.toBeInstanceOf(CommandRefused)
    void kept
  })

  it('waits longer before each try, tells when the next one is, and starts over after a success', () => {
    vi.useFakeTimers()
    const h = connected()
    for (const pause of BACK_OFF) {
      const tries = h.sockets.length
      h.last().cut()
      expect(h.socket.link.nextTry).toBe(Date.now() + pause * 1000)
      vi.advanceTimersByTime(pause * 1000 - 1)
      expect(h.sockets.length).toBe(tries)
      vi.advanceTimersByTime(1)
      expect(h.sockets.length).toBe(tries + 1)
    }
    expect(h.socket.link.attempt).toBe(BACK_OFF.length)
    h.last().open()
    h.last().say({ type: 'desk', desk: deskOf('talking', 8) })
    expect(h.socket.link).toMatchObject({ phase: 'open', attempt: 0, nextTry: null })
  })

  it('tries at once when asked', () => {
    vi.useFakeTimers()
    const h = connected()
    h.last().cut()
    h.socket.open()
    expect(h.sockets.length).toBe(2)
    vi.advanceTimersByTime(OPEN_LIMIT - 1)
    expect(h.sockets.length).toBe(2)
  })

  it('gives up a handshake that hangs and goes on trying; "try now" does not wait for it either', () => {
    vi.useFakeTimers()
    const h = harness()
    h.socket.open()
    vi.advanceTimersByTime(OPEN_LIMIT)
    expect(h.socket.link).toMatchObject({ phase: 'lost', attempt: 1 })
    vi.advanceTimersByTime(BACK_OFF[0]! * 1000)
    expect(h.sockets.length).toBe(2)
    h.socket.open(true)
    expect(h.sockets.length).toBe(3)
    h.last().open()
    h.last().say({ type: 'desk', desk: deskOf('ready', 1) })
    expect(h.socket.link.phase).toBe('open')
    vi.advanceTimersByTime(SILENCE_LIMIT * 2)
    expect(h.sockets.length).toBe(3)
  })

  it('notices a dead connection by the missing pings', () => {
    vi.useFakeTimers()
    const h = connected()
    h.last().say({ type: 'ping', at: new Date().toISOString() })
    expect(h.last().sent.at(-1)).toEqual({ type: 'pong' })
    vi.advanceTimersByTime(SILENCE_LIMIT - 1)
    expect(h.socket.link.phase).toBe('open')
    vi.advanceTimersByTime(1)
    expect(h.socket.link.phase).toBe('lost')
  })

  it('stops for good when another window takes over or the session ends', () => {
    vi.useFakeTimers()
    for (const [message, phase] of [['replaced', 'replaced'], ['signed_out', 'signed_out']] as const) {
      const h = connected()
      h.last().say({ type: message })
      h.last().cut()
      vi.advanceTimersByTime(60_000)
      expect(h.socket.link.phase).toBe(phase)
      expect(h.sockets.length).toBe(1)
    }
  })
})
