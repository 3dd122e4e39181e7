import { requireBrowserHash } from '../auth/identity'
import { personOf } from '../core/account/person'
import type { Redeemed } from '../core/attempt/attempt'
import { toSessionView } from '../core/session/session'
import { parseBody } from '../http/body'
import { type Call, resource } from '../http/resource'
import { json } from '../http/response'
import type { ApiContext } from './context'
import { redeemBody } from './schemas'

/**
 * `POST /api/qr/{id}/redeem`: exchanges the ticket for a session. The session's cookie is always a
 * new one. With `next`, the browser goes on with the request of the app.
 */
export const redeem = resource('/api/qr/{id}/redeem', {
  POST: async ({ request, params: { id = '' }, body }: Call, context: ApiContext) => {
    const { appSignIns, attempts, cookies, sessions } = context
    const { ticket } = parseBody(body, redeemBody)
    const browserHash = await requireBrowserHash(request, context)
    const olderId = await cookies.read(request.headers.get('cookie'), 'session')
    const begin = (attempt: Redeemed) => sessions.begin(attempt, olderId)
    const redeemed = await attempts.redeem({ id, browserHash, ticket, begin })
    const session = await sessions.onRedeemed(redeemed)
    const next = redeemed.app === null ? null : ((await appSignIns?.finish(redeemed.app, session)) ?? null)
    const person = personOf(session.person)
    const view = toSessionView(session, session.id)
    const response = json(next === null ? { person, session: view } : { person, session: view, next })
    response.headers.append('Set-Cookie', await cookies.write('session', session.id))
    return response
  },
})
