import { createRouter, createWebHistory, type RouteLocationRaw } from 'vue-router'
import { hasRole, isAgent, loadSession, me, type Role } from './api/session'

declare module 'vue-router' {
  interface RouteMeta { roles?: Role[], open?: boolean }
}

const TEAM: Role[] = ['team_leader', 'supervisor', 'quality', 'administrator']

/** The page on which a person's work begins. */
export function home(): RouteLocationRaw {
  if (isAgent.value) return '/desk'
  if (hasRole('team_leader', 'supervisor')) return '/floor'
  if (hasRole('back_office')) return '/tickets/handed_over'
  if (hasRole('administrator')) return '/admin/users'
  return '/reports'
}

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/sign-in', component: () => import('./sign-in/SignInPage.vue'), meta: { open: true } },
    { path: '/floor/tv', component: () => import('./floor/TvPage.vue'), meta: { roles: ['team_leader', 'supervisor', 'administrator'] } },
    {
      path: '/',
      component: () => import('./shell/Shell.vue'),
      children: [
        { path: '', name: 'home', component: () => import('./shell/Nowhere.vue') },
        { path: 'desk', component: () => import('./desk/DeskPage.vue'), meta: { roles: ['agent'] } },
        { path: 'tickets/:view?/:id?', component: () => import('./tickets/TicketsPage.vue') },
        { path: 'customers/:id?', component: () => import('./customers/CustomersPage.vue') },
        { path: 'floor', component: () => import('./floor/FloorPage.vue'), meta: { roles: ['team_leader', 'supervisor', 'administrator'] } },
        { path: 'reports', component: () => import('./reports/RecallPage.vue'), meta: { roles: TEAM } },
        { path: 'admin/:part?', component: () => import('./admin/AdminPage.vue'), meta: { roles: ['administrator'] } },
      ],
    },
    { path: '/:rest(.*)*', redirect: '/' },
  ],
})

router.beforeEach(async to => {
  if (me.value === undefined) await loadSession().catch(() => { me.value = null })
  if (to.meta.open) return me.value ? home() : true
  if (!me.value) return { path: '/sign-in', query: to.redirectedFrom?.path === '/' ? {} : { to: to.fullPath } }
  if (to.name === 'home') return home()
  if (to.meta.roles && !hasRole(...to.meta.roles)) return home()
  return true
})
