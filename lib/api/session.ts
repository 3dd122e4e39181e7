import { findComputer } from '../auth/identity'
import { json, noContent } from '../http/answer'
import { type Call, resource } from '../http/resource'
import { services } from '../server/create-server'
import { toSessionView } from '../core/session/session'

/** `/api/session`: whether this computer is signed in, and its sign-out. The phone of the same browser stays. */
export const session = resource('/api/session', {
  GET: async ({ request }: Call) => {
    const computer = await findComputer(request)
    if (computer === null) return json({ signedIn: false })
    return json({ signedIn: true, person: computer.person, session: toSessionView(computer, computer.id) })
  },

  DELETE: async ({ request }: Call) => {
    const { cookies, sessions } = services()
    const id = await cookies.read(request.headers.get('cookie'), 'session')
    if (id !== null) await sessions.signOutHere('computer', id)
    return noContent({ 'Set-Cookie': cookies.clear('session'), 'Clear-Site-Data': '"cache"' })
  },
})
