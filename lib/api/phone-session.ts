import { findPhone } from '../auth/identity'
import { ProtocolError } from '../core/errors'
import { json, noContent } from '../http/answer'
import { parseBody } from '../http/body'
import { describeDevice } from '../http/device'
import { type Call, resource } from '../http/resource'
import type { ApiContext } from './context'
import { phoneSignInBody } from './schemas'

const TOKEN_ENDS_ELSEWHERE = { path: '', message: 'a bearer token is revoked by its issuer' }

/**
 * `/api/phone/session`: whether this phone is signed in; signing the simulated phone in and out.
 */
export const phoneSession = resource('/api/phone/session', {
  GET: async (call: Call, context: ApiContext) => {
    const phone = await findPhone(call, context)
    return json(phone === null ? { signedIn: false } : { signedIn: true, person: phone.person })
  },

  POST: async (call: Call, context: ApiContext) => {
    const { headers } = call.request
    const { cookies, findPersonByPassword, findPlace, limiter, sessions } = context
    const { username, password } = parseBody(call.body, phoneSignInBody)
    const tried = await limiter.phoneSignIn(call.rateLimitKeys, username)
    const person = findPersonByPassword(username, password)
    if (person === null) throw new ProtocolError('credentials_wrong')
    await tried.succeed()
    const olderId = await cookies.read(headers.get('cookie'), 'phone')
    const place = findPlace(headers, call.client)
    const device = { ...describeDevice(headers.get('user-agent')), place }
    const session = await sessions.signInPhone({ person, device, olderId })
    const response = json({ person })
    response.headers.append('Set-Cookie', await cookies.write('phone', session.id))
    return response
  },

  DELETE: async (call: Call, context: ApiContext) => {
    const { cookies, sessions } = context
    const phone = await findPhone(call, context)
    if (phone?.kind === 'token') throw new ProtocolError('bad_request', { errors: [TOKEN_ENDS_ELSEWHERE] })
    const id = await cookies.read(call.request.headers.get('cookie'), 'phone')
    if (id !== null) await sessions.signOutHere('phone', id)
    return noContent({ 'Set-Cookie': cookies.clear('phone') })
  },
})
