import { ProtocolError } from '../attempt/errors'
import { phoneSignInBody } from '../attempt/schemas'
import { findPhone } from '../auth/identity'
import { findPersonByPassword } from '../auth/people'
import { json, noContent } from '../http/answer'
import { parseBody } from '../http/body'
import { type Call, resource } from '../http/resource'
import { services } from '../services'

/** `/api/phone/session`: whether this phone is signed in; signing the simulated phone in and out. */
export const phoneSession = resource({
  GET: async ({ request }: Call) => {
    const phone = await findPhone(request)
    return json(phone === null ? { signedIn: false } : { signedIn: true, person: phone.person })
  },

  POST: async ({ request, body }: Call) => {
    const { config, cookies, sessions } = services()
    const { username, password } = parseBody(body, phoneSignInBody)
    const person = config.demoAccounts ? findPersonByPassword(username, password) : null
    if (person === null) throw new ProtocolError('credentials_wrong')
    const olderId = await cookies.read(request.headers.get('cookie'), 'phone')
    const session = await sessions.signInPhone(person, olderId)
    const response = json({ person })
    response.headers.append('Set-Cookie', await cookies.write('phone', session.id))
    return response
  },

  DELETE: async ({ request }: Call) => {
    const { cookies, sessions } = services()
    const phone = await findPhone(request)
    if (phone !== null) await sessions.signOut(phone.id)
    return noContent({ 'Set-Cookie': cookies.clear('phone') })
  },
})
