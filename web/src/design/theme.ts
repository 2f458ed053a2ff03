import { ref, watchEffect } from 'vue'

export type Theme = 'system' | 'light' | 'dark'
const KEY = 'onecall.theme'
const system = window.matchMedia('(prefers-color-scheme: dark)')
const stored = localStorage.getItem(KEY)

/** The reader's choice of light or dark; `system` follows the machine. */
export const theme = ref<Theme>(stored === 'light' || stored === 'dark' ? stored : 'system')
const systemDark = ref(system.matches)
system.addEventListener('change', event => { systemDark.value = event.matches })

watchEffect(() => {
  const dark = theme.value === 'dark' || (theme.value === 'system' && systemDark.value)
  document.documentElement.classList.toggle('dark', dark)
  document.documentElement.classList.toggle('light', !dark)
  if (theme.value === 'system') localStorage.removeItem(KEY)
  else localStorage.setItem(KEY, theme.value)
})
