import { onScopeDispose } from 'vue'

export type KeyHandler = (event: KeyboardEvent) => void
/** Handlers by key name, such as `F2`, `Shift+F2`, `Ctrl+Enter`, `Ctrl+.`, `J`, `1`. */
export type KeyMap = Record<string, KeyHandler>

/** The name of a pressed key with its modifiers, or null when it cannot be one of ours (AltGr is never ours). */
export function keyName(event: KeyboardEvent): string | null {
  if (event.getModifierState('AltGraph') || event.altKey || event.isComposing) return null
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key
  const letter = key.length === 1
  return `${event.ctrlKey || event.metaKey ? 'Ctrl+' : ''}${event.shiftKey && !letter ? 'Shift+' : ''}${key}`
}

/** True where typing belongs to the field: plain letters and digits must reach it. */
export function isField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target.isContentEditable || target.tagName === 'TEXTAREA' || target.tagName === 'SELECT') return true
  return target.tagName === 'INPUT' && !['checkbox', 'radio', 'button', 'submit'].includes((target as HTMLInputElement).type)
}

/** What lies over the page and has the keyboard to itself: a dialog, a menu, an open list. */
const OVER = ['dialog', 'alertdialog', 'menu', 'listbox'].map(role => `[role="${role}"][data-state="open"]`).join()

/** True while something lies over the page: letters and digits must not reach what is beneath it. */
function covered(): boolean {
  return document.querySelector(OVER) !== null
}

const layers: KeyMap[] = []

function onKey(event: KeyboardEvent): void {
  const name = keyName(event)
  if (name === null) return
  if (name.length === 1 && (isField(event.target) || covered())) return
  for (let i = layers.length - 1; i >= 0; i -= 1) {
    const handler = layers[i]![name]
    if (handler) {
      event.preventDefault()
      event.stopPropagation()
      if (!event.repeat) handler(event)
      return
    }
  }
}

/** Installs keys for as long as the calling component lives; the newest layer wins. Function keys work inside fields. */
export function useKeys(map: KeyMap): void {
  if (layers.length === 0) window.addEventListener('keydown', onKey, true)
  layers.push(map)
  onScopeDispose(() => {
    layers.splice(layers.indexOf(map), 1)
    if (layers.length === 0) window.removeEventListener('keydown', onKey, true)
  })
}
