import { ProtocolError } from '../attempt/errors'
import { redeemBody } from '../attempt/schemas'
import { findBrowserHash } from '../auth/identity'
import { json } from '../http/answer'
import { parseBody } from '../http/body'
import { type Call, resource } from '../http/resource'
import { services } from '../services'
import { toSessionView } from '../session/session'

/** `POST /api/qr/{id}/redeem`: exchanges the ticket for a session. The session's cookie is always a new one. */
export const redeem = resource('/api/qr/{id}/redeem', {
  POST: async ({ request, params: { id = '' }, body }: Call) => {
    const { attempts, cookies, limiter, sessions } = services()
    const browserHash = await findBrowserHash(request)
    if (browserHash !== null) await limiter.redeem(id, browserHash)
    const { ticket } = parseBody(body, redeemBody)
    if (browserHash === null) throw new ProtocolError('not_found')
    const { computer, scan, sessionId } = await attempts.redeem(id, browserHash, ticket)
    const olderId = await cookies.read(request.headers.get('cookie'), 'session')
    const session = await sessions.signInComputer({ id: sessionId, phone: scan.phone, computer }, olderId)
    const response = json({ person: session.person, session: toSessionView(session, session.id) })
    response.headers.append('Set-Cookie', await cookies.write('session', session.id))
    return response
  },
})
