import './design/main.css'
import './design/theme'
import { createApp } from 'vue'
import { VueQueryPlugin } from '@tanstack/vue-query'
import ui from '@nuxt/ui/vue-plugin'
import App from './App.vue'
import { queries } from './api/session'
import { i18n } from './i18n'
import { router } from './router'

createApp(App).use(i18n).use(router).use(VueQueryPlugin, { queryClient: queries }).use(ui).mount('#app')
