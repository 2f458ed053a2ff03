import { describe, expect, it, vi } from 'vitest'
import { effectScope } from 'vue'
import { keyName, useKeys, type KeyMap } from '@/design/keys'

function press(key: string, options: KeyboardEventInit = {}, on: HTMLElement = document.body): KeyboardEvent {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...options })
  on.dispatchEvent(event)
  return event
}
function installed(map: KeyMap) {
  const scope = effectScope()
  scope.run(() => useKeys(map))
  return () => scope.stop()
}

describe('keys', () => {
  it('of letters and digits reach nothing that lies beneath an open dialog or list', () => {
    let resolved = 0
    const remove = installed({ E: () => { resolved += 1 } })
    const dialog = document.body.appendChild(document.createElement('div'))
    dialog.setAttribute('role', 'dialog')
    dialog.dataset.state = 'open'
    press('e')
    expect(resolved).toBe(0)
    dialog.dataset.state = 'closed'
    press('e')
    expect(resolved).toBe(1)
    remove()
  })

  it('have one name each, with their modifiers', () => {
    expect(keyName(new KeyboardEvent('keydown', { key: 'F2', shiftKey: true }))).toBe('Shift+F2')
    expect(keyName(new KeyboardEvent('keydown', { key: 'k', ctrlKey: true }))).toBe('Ctrl+K')
    expect(keyName(new KeyboardEvent('keydown', { key: 'Enter', ctrlKey: true }))).toBe('Ctrl+Enter')
    expect(keyName(new KeyboardEvent('keydown', { key: '.', ctrlKey: true }))).toBe('Ctrl+.')
  })

  it('leave AltGr alone, which writes letters on Italian keyboards', () => {
    const event = new KeyboardEvent('keydown', { key: '@', ctrlKey: true, altKey: true })
    expect(keyName(event)).toBeNull()
  })

  it('work inside a field when they are function keys, and keep the browser from acting too', () => {
    const answer = vi.fn()
    const remove = installed({ F2: answer })
    const field = document.body.appendChild(document.createElement('textarea'))
    expect(press('F2', {}, field).defaultPrevented).toBe(true)
    expect(answer).toHaveBeenCalledTimes(1)
    remove()
  })

  it('let single letters and digits through to the field that has the focus', () => {
    const choose = vi.fn()
    const remove = installed({ 1: choose, J: choose })
    const field = document.body.appendChild(document.createElement('input'))
    expect(press('1', {}, field).defaultPrevented).toBe(false)
    press('j', {}, field)
    expect(choose).not.toHaveBeenCalled()
    press('1')
    press('j')
    expect(choose).toHaveBeenCalledTimes(2)
    remove()
  })

  it('belong to the newest layer that knows them, and to nobody once it is gone', () => {
    const [outer, inner] = [vi.fn(), vi.fn()]
    const removeOuter = installed({ 'Ctrl+Enter': outer })
    const removeInner = installed({ 'Ctrl+Enter': inner })
    press('Enter', { ctrlKey: true })
    removeInner()
    press('Enter', { ctrlKey: true })
    removeOuter()
    press('Enter', { ctrlKey: true })
    expect([inner.mock.calls.length, outer.mock.calls.length]).toEqual([1, 1])
  })

  it('act once while a key is held down', () => {
    const hold = vi.fn()
    const remove = installed({ F8: hold })
    press('F8')
    press('F8', { repeat: true })
    expect(hold).toHaveBeenCalledTimes(1)
    remove()
  })
})
