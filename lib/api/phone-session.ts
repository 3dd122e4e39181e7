import { ProtocolError } from '../core/errors'
import { phoneSignInBody } from './schemas'
import { findPhone } from '../auth/identity'
import { findPersonByPassword } from '../accounts/demo'
import { clientAddress, rateLimitKeys } from '../http/address'
import { json, noContent } from '../http/answer'
import { parseBody } from '../http/body'
import { describeDevice } from '../http/device'
import { findPlace } from '../http/place'
import { type Call, resource } from '../http/resource'
import { services } from '../server/create-server'

const TOKEN_ENDS_ELSEWHERE = { path: '', message: 'a bearer token is ended by whoever issued it' }

/** `/api/phone/session`: whether this phone is signed in; signing the simulated phone in and out. */
export const phoneSession = resource('/api/phone/session', {
  GET: async (call: Call) => {
    const phone = await findPhone(call)
    return json(phone === null ? { signedIn: false } : { signedIn: true, person: phone.person })
  },

  POST: async ({ request, body }: Call) => {
    const { headers } = request
    const { config, cookies, findCity, limiter, sessions } = services()
    const { username, password } = parseBody(body, phoneSignInBody)
    const client = rateLimitKeys(clientAddress(headers, config.trustedProxies))
    const tried = await limiter.phoneSignIn(client, username)
    const person = config.demoAccounts ? findPersonByPassword(username, password) : null
    if (person === null) throw new ProtocolError('credentials_wrong')
    await tried.succeed()
    const olderId = await cookies.read(headers.get('cookie'), 'phone')
    const place = findPlace(headers, config, findCity)
    const device = { ...describeDevice(headers.get('user-agent')), place }
    const session = await sessions.signInPhone({ person, device, olderId })
    const response = json({ person })
    response.headers.append('Set-Cookie', await cookies.write('phone', session.id))
    return response
  },

  DELETE: async (call: Call) => {
    const { cookies, sessions } = services()
    const phone = await findPhone(call)
    if (phone?.kind === 'token') throw new ProtocolError('bad_request', { errors: [TOKEN_ENDS_ELSEWHERE] })
    const id = await cookies.read(call.request.headers.get('cookie'), 'phone')
    if (id !== null) await sessions.signOutHere('phone', id)
    return noContent({ 'Set-Cookie': cookies.clear('phone') })
  },
})
