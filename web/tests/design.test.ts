import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { initials, mmss, percent, phoneNumber, secondsSince, span } from '@/design/format'
import { atLeast, atMost, worst } from '@/design/levels'
import { stateName, STATE_ORDER } from '@/design/states'

describe('figures and times', () => {
  it('writes durations as minutes and seconds, with hours only when there are some', () => {
    expect([0, 6, 59.9, 60, 3599, 3600, 7384].map(mmss)).toEqual(['00:00', '00:06', '00:59', '01:00', '59:59', '1:00:00', '2:03:04'])
    expect(mmss(-5)).toBe('00:00')
  })
  it('never counts backwards when a clock is a little ahead', () => {
    expect(secondsSince('2026-11-24T10:00:10Z', Date.parse('2026-11-24T10:00:00Z'))).toBe(0)
    expect(secondsSince(null, 0)).toBe(0)
  })
  it('splits the distance to a deadline and knows on which side of it we are', () => {
    const due = '2026-11-24T10:00:00Z'
    expect(span(due, Date.parse('2026-11-24T08:53:00Z'))).toEqual({ late: false, days: 0, hours: 1, minutes: 7 })
    expect(span(due, Date.parse('2026-11-24T10:18:30Z'))).toEqual({ late: true, days: 0, hours: 0, minutes: 18 })
  })
  it('groups numbers as people read them', () => {
    expect(phoneNumber('+393475550142')).toBe('+39 347 555 0142')
    expect(phoneNumber('+390116180100')).toBe('+39 011 618 0100')
    expect(phoneNumber('2001')).toBe('2001')
    expect(phoneNumber(null)).toBe('')
  })
  it('writes a missing share as a dash and never as zero', () => {
    expect(percent(null, 'en-GB')).toBe('–')
    expect(percent(0, 'en-GB')).toBe('0%')
    expect(percent(0.8164, 'it-IT', 1)).toBe('81,6%')
  })
  it('makes initials of one or many words', () => {
    expect([initials('Chiara Ferrero'), initials('Marco De Santis'), initials('Brandi')]).toEqual(['CF', 'MS', 'B'])
  })
})

describe('levels', () => {
  it('calls a share near its target only when it is below by a little', () => {
    expect([0.86, 0.8, 0.78, 0.58].map(value => atLeast(value, 0.8))).toEqual(['ok', 'ok', 'near', 'bad'])
  })
  it('warns before a limit is passed and stays calm without a figure or a limit', () => {
    expect([0.01, 0.025, 0.031].map(value => atMost(value, 0.03))).toEqual(['ok', 'near', 'bad'])
    expect([atMost(null, 0.03), atMost(0.5, null), atMost(0, 0)]).toEqual(['ok', 'ok', 'ok'])
  })
  it('keeps the worst of several', () => {
    expect(worst('ok', 'bad', 'near')).toBe('bad')
    expect(worst()).toBe('ok')
  })
})

describe('states', () => {
  it('names every state of the server, and hold apart from talking', () => {
    expect(['ready', 'ringing', 'talking', 'wrap_up', 'not_ready', 'signed_out'].map(state => stateName(state))).toEqual(['ready', 'ringing', 'talking', 'wrapup', 'notready', 'offline'])
    expect(stateName('talking', true)).toBe('hold')
  })
})

/** Relative luminance and contrast ratio by WCAG 2.2. */
function luminance(hex: string): number {
  const channel = (at: number) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}
function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p) as [number, number]
  return (x + 0.05) / (y + 0.05)
}

/** One colour laid over another with that share of it, as the tints of states are. */
function mixed(over: string, under: string, share: number): string {
  const channel = (hex: string, at: number) => parseInt(hex.slice(at, at + 2), 16)
  return `#${[1, 3, 5].map(at => Math.round(channel(over, at) * share + channel(under, at) * (1 - share)).toString(16).padStart(2, '0')).join('')}`
}
function sources(folder: string): [string, string][] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sources(path)
    return /\.(vue|ts)$/.test(entry.name) ? [[path, readFileSync(path, 'utf8')] as [string, string]] : []
  })
}

describe('the tokens', () => {
  const css = readFileSync('src/design/main.css', 'utf8')
  const block = (start: string) => css.slice(css.indexOf(start), css.indexOf('}', css.indexOf(start)))
  const modes = { light: block(':root, .light'), dark: block('.dark {') }
  for (const [mode, text] of Object.entries(modes)) {
    const token = (name: string) => new RegExp(`--${name}:\\s*(#[0-9A-Fa-f]{6})`).exec(text)![1]!
    it(`keep all text readable on panels and on the canvas in ${mode} mode`, () => {
      for (const name of ['ui-text-dimmed', 'ui-text-muted', 'ui-text-toned', 'ui-text', 'ui-text-highlighted', 'ui-primary', 'ui-error', 'ui-warning', 'ui-success', 'ui-info']) {
        expect(contrast(token(name), token('ui-bg')), `${name} on the panel`).toBeGreaterThanOrEqual(4.5)
      }
      for (const name of ['ui-text-muted', 'ui-text']) expect(contrast(token(name), token('canvas')), `${name} on the canvas`).toBeGreaterThanOrEqual(4.5)
    })
    it(`keep every state readable and every field's edge visible in ${mode} mode`, () => {
      for (const state of [...STATE_ORDER, 'offline']) expect(contrast(token(`ui-${state}`), token('ui-bg')), state).toBeGreaterThanOrEqual(4.5)
      expect(contrast(token('field-border'), token('ui-bg'))).toBeGreaterThanOrEqual(3)
      for (const fill of ['fill-danger', 'fill-ringing']) expect(contrast(token('on-fill'), token(fill)), `white on ${fill}`).toBeGreaterThanOrEqual(4.5)
      expect(contrast(token('on-mark'), token('mark')), 'the count on the rail').toBeGreaterThanOrEqual(4.5)
    })
    it(`keep every text on a tint readable in ${mode} mode`, () => {
      for (const [text, tint] of [['ui-error', 'tint-error'], ['ui-warning', 'tint-warning'], ['ui-ringing', 'tint-ringing'], ['ui-hold', 'tint-hold'], ['ui-text-toned', 'tint-warning'], ['ui-text-highlighted', 'tint-warning']] as const) {
        expect(contrast(token(text), token(tint)), `${text} on ${tint}`).toBeGreaterThanOrEqual(4.5)
      }
      for (const state of [...STATE_ORDER, 'offline'] as const) {
        expect(contrast(token(`ui-${state}`), mixed(token(`ui-${state}`), token('ui-bg'), 0.1)), `${state} on its own tint`).toBeGreaterThanOrEqual(4.5)
      }
    })
    it(`are where every colour comes from in ${mode} mode`, () => {
      const strays = sources('src').filter(([, text]) => /#[0-9A-Fa-f]{6}\b|\btext-white\b|\bbg-white\b/.test(text)).map(([file]) => file)
      expect(strays.filter(file => !file.endsWith('Brand.vue'))).toEqual([])
    })
  }
})
