import { findPhone } from '../auth/identity'
import { type Person, personOf } from '../core/account/person'
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
    return json(phone === null ? { signedIn: false } : { signedIn: true, person: personOf(phone.person) })
  },

  POST: async (call: Call, context: ApiContext) => {
    const { findPersonByPassword, limiter } = context
    const { username, password } = parseBody(call.body, phoneSignInBody)
    const tried = await limiter.phoneSignIn(call.rateLimitKeys, username)
    const person = findPersonByPassword(username, password)
    if (person === null) throw new ProtocolError('credentials_wrong')
    await tried.succeed()
    const response = json({ person })
    response.headers.append('Set-Cookie', await beginPhoneSession(call, context, person))
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

/** Signs this phone in as the person. Returns the `Set-Cookie` value; the older session ends. */
export async function beginPhoneSession(call: Call, context: ApiContext, person: Person): Promise<string> {
  const { headers } = call.request
  const { cookies, findPlace, sessions } = context
  const olderId = await cookies.read(headers.get('cookie'), 'phone')
  const device = { ...describeDevice(headers.get('user-agent')), place: findPlace(headers, call.client) }
  const { id } = await sessions.signInPhone({ person, device, olderId })
  return await cookies.write('phone', id)
}
