import { createRouter, createWebHistory, type RouteLocationRaw } from 'vue-router'
import { rights, rolesOf } from './api/rights'
import { hasRole, isAgent, loadSession, me, type Role } from './api/session'

declare module 'vue-router' {
  interface RouteMeta { roles?: Role[], open?: boolean }
}

const FLOOR = rolesOf('get', '/api/floor')

/** The page on which a person's work begins. */
export function home(): RouteLocationRaw {
  if (isAgent.value) return '/desk'
  if (rights.administer.value && !rights.readTickets.value) return '/admin/users'
  if (rights.floor.value) return '/floor'
  if (rights.takeTickets.value) return '/tickets/handed_over'
  return rights.reports.value ? '/reports' : '/tickets'
}

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/sign-in', component: () => import('./sign-in/SignInPage.vue'), meta: { open: true } },
    { path: '/floor/tv', component: () => import('./floor/TvPage.vue'), meta: { roles: FLOOR } },
    {
      path: '/',
      component: () => import('./shell/Shell.vue'),
      children: [
        { path: '', name: 'home', component: () => import('./shell/Nowhere.vue') },
        { path: 'desk', component: () => import('./desk/DeskPage.vue'), meta: { roles: ['agent'] } },
        { path: 'tickets/:view?/:id?', component: () => import('./tickets/TicketsPage.vue'), meta: { roles: rolesOf('get', '/api/tickets') } },
        { path: 'customers/:id?', component: () => import('./customers/CustomersPage.vue'), meta: { roles: rolesOf('get', '/api/customers') } },
        { path: 'floor', component: () => import('./floor/FloorPage.vue'), meta: { roles: FLOOR } },
        { path: 'reports', component: () => import('./reports/RecallPage.vue'), meta: { roles: rolesOf('get', '/api/reports/recall') } },
        { path: 'admin/:part?', component: () => import('./admin/AdminPage.vue'), meta: { roles: rolesOf('get', '/api/admin/users') } },
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
