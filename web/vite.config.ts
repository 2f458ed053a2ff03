import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import ui from '@nuxt/ui/vite'
import type { PluginOption } from 'vite'
import { defineConfig } from 'vitest/config'

/** Who may use which route, from the server's own description: the screens show no button that would be refused. */
function roles(): PluginOption {
  const id = 'virtual:roles'
  return {
    name: 'onecall-roles',
    resolveId: asked => asked === id ? `\0${id}` : undefined,
    load(asked) {
      if (asked !== `\0${id}`) return undefined
      const { paths } = JSON.parse(readFileSync(new URL('./openapi.json', import.meta.url), 'utf8')) as { paths: Record<string, Record<string, { 'x-roles'?: string[] }>> }
      const table = Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, route]) => [`${method} ${path}`, route['x-roles'] ?? []]))
      return `export default ${JSON.stringify(Object.fromEntries(table))}`
    },
  }
}

const STATES = ['ready', 'ringing', 'talking', 'hold', 'wrapup', 'notready', 'offline']

/** Nuxt UI themed once: our palettes, the seven agent states as colours, and the sizes of the design system. */
const theme = ui({
  colorMode: false,
  autoImport: false,
  components: { dts: 'src/components.d.ts', dirs: [] },
  icon: { clientBundle: { scan: { globInclude: ['src/**/*.{vue,ts}'] } } },
  theme: { colors: ['primary', 'success', 'info', 'warning', 'error', ...STATES] },
  ui: {
    colors: {
      primary: 'petrol', neutral: 'basalt' as 'zinc', success: 'ready', info: 'talking', warning: 'amber', error: 'red',
      ...Object.fromEntries(STATES.map(state => [state, state])),
    },
    badge: {
      slots: { base: 'font-medium whitespace-nowrap' },
      variants: { size: { sm: { base: 'text-[11px]/3' } } },
      compoundVariants: [
        { color: 'warning', variant: 'subtle', class: 'tint-warning line-warning' },
        { color: 'error', variant: 'subtle', class: 'tint-error' },
        { color: 'error', variant: 'solid', class: 'fill-danger' },
        { color: 'ringing', variant: 'subtle', class: 'tint-ringing' },
        { color: 'hold', variant: 'subtle', class: 'tint-hold' },
      ],
      defaultVariants: { size: 'md', variant: 'subtle' },
    },
    button: {
      slots: { base: 'cursor-pointer' },
      variants: { size: { md: { leadingIcon: 'size-4', trailingIcon: 'size-4' }, lg: { leadingIcon: 'size-[18px]' } } },
      defaultVariants: { size: 'md' },
    },
    select: { variants: { size: { md: { leadingIcon: 'size-4', trailingIcon: 'size-4' }, lg: { leadingIcon: 'size-4', trailingIcon: 'size-4' } }, variant: { outline: 'ring-(--field-border)' } } },
    selectMenu: { variants: { size: { lg: { leadingIcon: 'size-4', trailingIcon: 'size-4' } }, variant: { outline: 'ring-(--field-border)' } } },
    input: { variants: { variant: { outline: 'ring-(--field-border)' } } },
    textarea: { variants: { variant: { outline: 'ring-(--field-border)' } } },
    checkbox: { slots: { base: 'ring-(--field-border)' } },
    kbd: { variants: { size: { sm: 'text-[11px]' } }, defaultVariants: { size: 'sm' } },
  },
}) as PluginOption

export default defineConfig(async ({ mode }) => ({
  plugins: [
    vue(),
    roles(),
    theme,
    mode === 'mock' ? (await import('./dev/mock-server.ts')).mockServer() : undefined,
  ],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  define: { __INTLIFY_JIT_COMPILATION__: true, __INTLIFY_PROD_DEVTOOLS__: false, __VUE_I18N_LEGACY_API__: false },
  build: { chunkSizeWarningLimit: 900, target: 'es2022' },
  server: { proxy: mode === 'mock' ? undefined : { '/api': { target: process.env.ONECALL_URL ?? 'http://127.0.0.1:8080', ws: true } } },
  test: { environment: 'happy-dom', include: ['tests/**/*.test.ts'], setupFiles: ['tests/setup.ts'], testTimeout: 30_000, hookTimeout: 30_000 },
}))
