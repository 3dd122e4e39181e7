import type { z } from 'zod'
import { SourceError } from '../accounts/endpoint'
import { findPhone } from '../auth/identity'
import { type Person, personOf } from '../core/account/person'
import { ProtocolError } from '../core/errors'
import { parseBody } from '../http/body'
import { describeDevice } from '../http/device'
import { type Call, resource } from '../http/resource'
import { json, noContent } from '../http/response'
import type { ApiContext } from './context'
import { requirePasskeys } from './passkeys'
import { phoneSignInBody } from './schemas'

const NO_SITE = { path: 'source', message: 'there is no such source here' }
const TOKEN_ENDS_ELSEWHERE = { path: '', message: 'a bearer token is revoked by its issuer' }

/**
 * `/api/phone/session`: whether this phone is signed in; signing this phone in and out.
 */
export const phoneSession = resource('/api/phone/session', {
  GET: async (call: Call, context: ApiContext) => {
    const phone = await findPhone(call, context)
    return json(phone === null ? { signedIn: false } : { signedIn: true, person: personOf(phone.person) })
  },

  POST: async (call: Call, context: ApiContext) => {
    const body = parseBody(call.body, phoneSignInBody)
    const { person, passkeyId = null } = await findSignedIn(call, context, body)
    const response = json({ person })
    response.headers.append('Set-Cookie', await beginPhoneSession(call, context, person, passkeyId))
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

/** Who signs in, by the source that the body names. `passkeyId`: of the passkey that was used. */
async function findSignedIn(
  call: Call,
  context: ApiContext,
  body: z.infer<typeof phoneSignInBody>,
): Promise<{ person: Person; passkeyId?: string }> {
  if ('passkey' in body) {
    await context.limiter.providerSignIn(call.rateLimitKeys)
    return await requirePasskeys(context).signIn(body.passkey)
  }
  return {
    person: 'source' in body ? await requireSitePerson(call, context) : await requirePerson(call, context, body),
  }
}

/** @throws ProtocolError `rate_limited`, `credentials_wrong`, `unavailable`. */
async function requirePerson(
  call: Call,
  context: ApiContext,
  { username, password }: { username: string; password: string },
): Promise<Person> {
  const { findPersonByPassword, limiter } = context
  const attempt = await limiter.phoneSignIn(call.rateLimitKeys, username)
  const find = () => fromSource(call, context, () => findPersonByPassword(username, password))
  const person = await find().catch(async (error: unknown) => {
    await attempt.undo()
    throw error
  })
  if (person === null) throw new ProtocolError('credentials_wrong')
  await attempt.succeed()
  return person
}

/** @throws ProtocolError `rate_limited`, `unauthenticated`, `unavailable`. */
async function requireSitePerson(call: Call, context: ApiContext): Promise<Person> {
  const { siteSession, limiter } = context
  if (siteSession === null) throw new ProtocolError('bad_request', { errors: [NO_SITE] })
  await limiter.providerSignIn(call.rateLimitKeys)
  const person = await fromSource(call, context, () => siteSession.findPerson(call.request.headers.get('cookie')))
  if (person === null) throw new ProtocolError('unauthenticated')
  return person
}

/** A source that does not answer grants nothing. */
async function fromSource(
  call: Call,
  { logError }: ApiContext,
  find: () => Promise<Person | null>,
): Promise<Person | null> {
  try {
    return await call.suspendDeadline(find)
  } catch (error) {
    if (!(error instanceof SourceError)) throw error
    logError(error, { requestId: call.requestId, source: 'accounts' })
    throw new ProtocolError('unavailable', { retryAfterS: 5, limit: 'accounts' })
  }
}

/**
 * Signs this phone in as the person. Returns the `Set-Cookie` value; the older session ends.
 * `passkeyId`: of the passkey that was used; null: an account source has named the person just now.
 */
export async function beginPhoneSession(
  call: Call,
  context: ApiContext,
  person: Person,
  passkeyId: string | null = null,
): Promise<string> {
  const { headers } = call.request
  const { cookies, findPlace, passkeys, sessions } = context
  if (passkeyId === null) await passkeys?.describePerson(person)
  const olderId = await cookies.read(headers.get('cookie'), 'phone')
  const device = { ...describeDevice(headers.get('user-agent')), place: findPlace(headers, call.client) }
  const { id } = await sessions.signInPhone({ person, device, olderId, passkeyId })
  return await cookies.write('phone', id)
}
