import type { Redeemed } from '../attempt/attempt'
import { ProtocolError } from '../attempt/errors'
import { redeemBody } from '../attempt/schemas'
import { findBrowserHash } from '../auth/identity'
import { json } from '../http/answer'
import { parseCounted } from '../http/body'
import { type Call, resource } from '../http/resource'
import { services } from '../services'
import { toSessionView } from '../session/session'

/** `POST /api/qr/{id}/redeem`: exchanges the ticket for a session. The session's cookie is always a new one. */
export const redeem = resource('/api/qr/{id}/redeem', {
  POST: async ({ request, params: { id = '' }, body }: Call) => {
    const { attempts, cookies, limiter, sessions } = services()
    const browserHash = await findBrowserHash(request)
    const guard = limiter.redeem(id, browserHash ?? '')
    const isNobody = browserHash === null
    const { ticket } = await parseCounted(body, redeemBody, async () => (isNobody ? undefined : limiter.pass(guard)))
    if (isNobody) throw new ProtocolError('not_found')
    const begin = (attempt: Redeemed) => sessions.begin(attempt)
    const redeemed = await attempts.redeem({ id, browserHash, ticket, guard, begin })
    const olderId = await cookies.read(request.headers.get('cookie'), 'session')
    const session = await sessions.signInComputer(redeemed, olderId)
    const response = json({ person: session.person, session: toSessionView(session, session.id) })
    response.headers.append('Set-Cookie', await cookies.write('session', session.id))
    return response
  },
})
