import type { Phone } from '../attempt/attempt'
import { ProtocolError } from '../attempt/errors'
import { hashBrowserSecret } from '../attempt/tokens'
import { services } from '../services'
import type { AnySession, ComputerSession, PhoneSession } from '../session/session'

/** What identities are read from: a request, or the headers of a page. */
export interface Identified {
  headers: Headers
}

/** The hash of the browser's secret, or null when it has none that we made. */
async function findBrowserHash({ headers }: Identified): Promise<string | null> {
  const secret = await services().cookies.read(headers.get('cookie'), 'browser')
  return secret === null ? null : hashBrowserSecret(secret)
}

/** @throws ProtocolError `not_found`: to a browser without the secret, no attempt exists. */
export async function requireBrowserHash(request: Identified): Promise<string> {
  const hash = await findBrowserHash(request)
  if (hash === null) throw new ProtocolError('not_found')
  return hash
}

export async function findComputer({ headers }: Identified): Promise<ComputerSession | null> {
  const { cookies, sessions } = services()
  const id = await cookies.read(headers.get('cookie'), 'session')
  return id === null ? null : await sessions.findLive('computer', id)
}

/** The phone whose cookie this is, or null. For pages, which know no bearer tokens. */
export async function findCookiePhone({ headers }: Identified): Promise<PhoneSession | null> {
  const { cookies, sessions } = services()
  const id = await cookies.read(headers.get('cookie'), 'phone')
  return id === null ? null : await sessions.findLive('phone', id)
}

/**
 * The phone that asks, or null. Bearer tokens are refused: no key to check them with can be configured.
 * @throws ProtocolError `two_identities`, `token_wrong`.
 */
export async function findPhone(request: Identified): Promise<PhoneSession | null> {
  const phone = await findCookiePhone(request)
  if (/^bearer(\s|$)/i.test(request.headers.get('authorization') ?? '')) {
    throw new ProtocolError(phone === null ? 'token_wrong' : 'two_identities')
  }
  return phone
}

/** @throws ProtocolError `unauthenticated`, and what `findPhone` throws. */
export async function requirePhone(request: Identified): Promise<Phone> {
  const session = await findPhone(request)
  if (session === null) throw new ProtocolError('unauthenticated')
  return { sessionId: session.id, person: session.person }
}

/** Which identity a browser that is both phone and computer means. */
export type AccountKind = AnySession['kind']

/**
 * The signed-in computer or phone. A browser that is both is taken as the computer unless it says `phone`.
 * @throws ProtocolError `unauthenticated`.
 */
export async function requireAccount(request: Identified, as: AccountKind | null): Promise<AnySession> {
  const session =
    as === 'phone'
      ? await findPhone(request)
      : ((await findComputer(request)) ?? (as === null ? await findPhone(request) : null))
  if (session === null) throw new ProtocolError('unauthenticated')
  return session
}
