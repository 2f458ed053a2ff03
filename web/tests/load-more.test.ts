import { flushPromises, mount } from '@vue/test-utils'
import ui from '@nuxt/ui/vue-plugin'
import { createMemoryHistory, createRouter } from 'vue-router'
import { describe, expect, it } from 'vitest'
import { defineComponent, h, ref } from 'vue'
import LoadMore from '@/design/LoadMore.vue'
import { i18n } from '@/i18n'

const rows = ref(2)
const more = ref(true)
let asked = 0
const List = defineComponent(() => () => h('ul', [
  ...Array.from({ length: rows.value }, (_, i) => h('li', { key: i }, [h('a', { href: `#${i}` }, `row ${i}`)])),
  h(LoadMore, { key: 'end', more: more.value, busy: false, shown: rows.value, total: 5, onLoad: () => { asked += 1 } }),
]))
const router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/:rest(.*)', component: List }] })

describe('a list that goes on', () => {
  it('brings the next rows by its button, says how many are shown, and leads the keyboard to the first new one', async () => {
    const list = mount(List, { attachTo: document.body, global: { plugins: [ui, i18n, router] } })
    const told = () => list.get('[data-testid=load-told]').text()
    rows.value = 3
    await flushPromises()
    expect(told(), 'rows that came by themselves are not announced').toBe('')
    await list.get('[data-testid=load-more]').trigger('click')
    expect(asked).toBe(1)
    rows.value = 5
    more.value = false
    await flushPromises()
    expect(told()).toContain('5')
    expect(document.activeElement?.textContent).toBe('row 3')
    expect(list.find('[data-testid=load-more]').exists()).toBe(false)
    list.unmount()
  })
})
