import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import en from '@/i18n/en'
import italian from '@/i18n/it'

/** Rooms of the server whose words can reach a screen. */
const ROOMS = ['core', 'acd', 'cti', 'ivr', 'tickets', 'api', 'onecall']
/** Told to whoever starts or restores the server, never to a screen. */
const FOR_OPERATORS = new Set(['codec', 'snapshot', 'version'])

function python(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'migrations' || entry.name === '__pycache__' ? [] : python(path)
    return entry.name.endsWith('.py') ? [readFileSync(path, 'utf8')] : []
  })
}
const source = ROOMS.flatMap(room => python(join('..', room))).join('\n')
const all = (pattern: RegExp) => [...new Set([...source.matchAll(pattern)].map(match => match[1]!))].sort()

const refusals = all(/\bcode\s*=\s*"([a-z_]+)"/g).filter(code => !FOR_OPERATORS.has(code))
const notices = [...new Set([
  ...all(/\.notice\([^)]*?"(?:info|warning|error)",\s*"([a-z_]+)"/g),
  ...[...(/_NOTICES = \{([^}]*)\}/.exec(source)?.[1] ?? '').matchAll(/: "([a-z_]+)"/g)].map(match => match[1]!),
])]
/** What can happen to a ticket; what happens to a customer or a recording is shown on none. */
const events = all(/(?:\bwork\.apply|\bapply|\bhistory\.record|\b_tell)\(\s*unit,\s*(?:\w+,\s*)?"([a-z_]+)"/g)
  .concat(['promise_kept', 'promise_broken']).filter(kind => !/^(customer_(absorbed|changed|created)|number_attached)$/.test(kind))
const alarms = [...new Set([
  ...all(/raise_alarm\(\s*\w+,\s*f?"([a-z_]+)[":]/g),
  ...all(/\b_?alarm\(\s*f?"([a-z_]+)[":]/g),
  ...all(/\balarm_id = [^"\n]*f?"([a-z_]+):/g),
  ...all(/\b(?:problems|found)\["([a-z_]+)"\] = /g),
])]

for (const [language, words] of [['English', en], ['Italian', italian]] as const) {
  describe(`in ${language}`, () => {
    it('every refusal of the server has words, with what to do about it', () => {
      expect(refusals.length).toBeGreaterThan(35)
      const told = words.refused as Record<string, string>
      expect(refusals.filter(code => !told[code])).toEqual([])
      expect(Object.entries(told).filter(([, text]) => !/[.:;?] \S/.test(text))).toEqual([])
    })
    it('everything that the history of a ticket tells has words, and nothing else has', () => {
      const frame = ['changed', 'set', 'nothing']
      // A note is shown as itself.
      expect(Object.keys(words.history).filter(kind => !frame.includes(kind)).sort()).toEqual(events.filter(kind => kind !== 'note_added').sort())
    })
    it('every notice on a desk has words, with what happens next', () => {
      expect(notices.length).toBeGreaterThan(4)
      expect(notices.filter(code => !(words.notice as Record<string, string>)[code])).toEqual([])
    })
    it('every alarm has words, and none has words that nothing raises', () => {
      expect(alarms.length).toBeGreaterThan(2)
      expect(Object.keys(words.alarm).sort()).toEqual([...alarms].sort())
    })
  })
}
