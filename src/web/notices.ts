/** Settling a notice: only admins see them, only admins settle them. */
import { Hono } from 'hono'
import { settleNotice } from '../engine/notices.ts'
import type { Env, Pages, Web } from './context.ts'
import { parseId } from './form.ts'

export function noticePages(web: Web): Pages {
  return new Hono<Env>().post('/notices/:id/settlement', async (c) => {
    const id = parseId(c.req.param('id'))
    if (id === null || !c.get('agent').admin) return c.notFound()
    await settleNotice(web.sql, id, web.now())
    return c.redirect('/', 303)
  }) as Pages
}
