import { ProtocolError } from '../attempt/errors'
import { phoneSignInBody } from '../attempt/schemas'
import { findPhone } from '../auth/identity'
import { findPersonByPassword } from '../auth/people'
import { clientAddress, limitedAs } from '../http/address'
import { json, noContent } from '../http/answer'
import { parseBody } from '../http/body'
import { type Call, resource } from '../http/resource'
import { services } from '../services'

const TOKEN_ENDS_ELSEWHERE = { path: '', message: 'a bearer token is ended by whoever issued it' }

/** `/api/phone/session`: whether this phone is signed in; signing the simulated phone in and out. */
export const phoneSession = resource('/api/phone/session', {
  GET: async (call: Call) => {
    const phone = await findPhone(call)
    return json(phone === null ? { signedIn: false } : { signedIn: true, person: phone.person })
  },

  POST: async ({ request, body }: Call) => {
    const { config, cookies, limiter, sessions } = services()
    const { username, password } = parseBody(body, phoneSignInBody)
    await limiter.phoneSignIn(limitedAs(clientAddress(request.headers, config.trustedProxies)), username)
    const person = config.demoAccounts ? findPersonByPassword(username, password) : null
    if (person === null) throw new ProtocolError('credentials_wrong')
    const olderId = await cookies.read(request.headers.get('cookie'), 'phone')
    const session = await sessions.signInPhone(person, olderId)
    const response = json({ person })
    response.headers.append('Set-Cookie', await cookies.write('phone', session.id))
    return response
  },

  DELETE: async (call: Call) => {
    const { cookies, sessions } = services()
    const phone = await findPhone(call)
    if (phone?.kind === 'token') throw new ProtocolError('bad_request', { errors: [TOKEN_ENDS_ELSEWHERE] })
    if (phone !== null) await sessions.signOut(phone.id)
    return noContent({ 'Set-Cookie': cookies.clear('phone') })
  },
})
