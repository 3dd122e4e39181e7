import { findComputer } from '../auth/identity'
import { personOf } from '../core/account/person'
import { toSessionView } from '../core/session/session'
import { type Call, resource } from '../http/resource'
import { json, noContent } from '../http/response'
import type { ApiContext } from './context'

/**
 * `/api/session`: whether this computer is signed in, and its sign-out. The phone of the same
 * browser stays.
 */
export const session = resource('/api/session', {
  GET: async ({ request }: Call, context: ApiContext) => {
    const computer = await findComputer(request, context)
    if (computer === null) return json({ signedIn: false })
    return json({ signedIn: true, person: personOf(computer.person), session: toSessionView(computer, computer.id) })
  },

  DELETE: async ({ request }: Call, { cookies, sessions }: ApiContext) => {
    const id = await cookies.read(request.headers.get('cookie'), 'session')
    if (id !== null) await sessions.signOutHere('computer', id)
    return noContent({ 'Set-Cookie': cookies.clear('session'), 'Clear-Site-Data': '"cache"' })
  },
})
