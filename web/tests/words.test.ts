import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import lucide from '@iconify-json/lucide/icons.json'
import { describe, expect, it } from 'vitest'
import en from '@/i18n/en'
import it_ from '@/i18n/it'

type Tree = { [key: string]: string | Tree }

function flat(tree: Tree, before = ''): Map<string, string> {
  const found = new Map<string, string>()
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === 'string') found.set(before + key, value)
    else for (const [inner, text] of flat(value, `${before}${key}.`)) found.set(inner, text)
  }
  return found
}
function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => entry.isDirectory() ? sources(join(folder, entry.name)) : /\.(vue|ts)$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [join(folder, entry.name)] : [])
}

const files = sources('src').filter(file => !file.includes('i18n'))
const code = files.map(file => readFileSync(file, 'utf8')).join('\n')
const english = flat(en as unknown as Tree)
const italian = flat(it_ as unknown as Tree)
const places = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(match => match[1]).sort().join()

describe('words', () => {
  it('exist in both languages, with the same places for values', () => {
    expect([...italian.keys()].sort()).toEqual([...english.keys()].sort())
    for (const [key, text] of english) expect([...new Set(places(italian.get(key)!).split(','))], key).toEqual([...new Set(places(text).split(','))])
  })

  it('exist for every key that the screens ask for', () => {
    const asked = new Set([...code.matchAll(/\bt\(\s*'([a-z_]+(?:\.[a-z_0-9]+)+)'/g)].map(match => match[1]!))
    expect(asked.size).toBeGreaterThan(200)
    expect([...asked].filter(key => !english.has(key))).toEqual([])
  })

  it('are asked for: nothing is translated that no screen shows', () => {
    const beginnings = [...new Set([...code.matchAll(/`([a-z_]+\.[a-z_]*)\$\{/g)].map(match => match[1]!))]
    const literal = (key: string) => code.includes(`'${key}'`)
    const unused = [...english.keys()].filter(key => !literal(key) && !beginnings.some(beginning => key.startsWith(beginning)))
    expect(unused).toEqual([])
  })

  it('carry no exclamation marks, and only what the message format can say', () => {
    for (const text of [...english.values(), ...italian.values()]) {
      expect(text).not.toContain('!')
      expect(text).not.toContain('@')
    }
  })
})

it('every icon of the screens is in the bundled collection', () => {
  const names = new Set([...code.matchAll(/i-lucide-([a-z0-9-]+)/g)].map(match => match[1]!))
  const known = new Set([...Object.keys(lucide.icons), ...Object.keys(lucide.aliases ?? {})])
  expect(names.size).toBeGreaterThan(60)
  expect([...names].filter(name => !known.has(name))).toEqual([])
})
