import type { Phone } from '../core/attempt/attempt'
import { ProtocolError } from '../core/errors'
import { hashBrowserSecret } from '../core/attempt/tokens'
import { clientAddress, rateLimitKeys } from '../http/address'
import type { HeaderReader } from '../http/api-request'
import { parseBearer } from '../http/authorization'
import type { Call } from '../http/resource'
import { services } from '../server/create-server'
import type { Account, ComputerSession, PhoneSession, TokenPhone } from '../core/session/session'

/** What cookies are read from: a request, or the headers of a page. */
export interface Identified {
  headers: HeaderReader
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
 * The phone that asks, or null: by its cookie, or by the bearer token of a native app and, where requests are signed, its signature.
 * @throws ProtocolError `two_identities`, `token_wrong`, `signature_wrong`, `rate_limited`, `unavailable`.
 */
export async function findPhone(call: Call): Promise<PhoneSession | TokenPhone | null> {
  const phone = await findCookiePhone(call.request)
  const token = parseBearer(call.request.headers.get('authorization'))
  if (token === null) return phone
  // Whatever the token is worth: a request has to say who it is, once.
  if (phone !== null) throw new ProtocolError('two_identities')
  return await requireTokenPhone(call, token)
}

/** @throws ProtocolError `unauthenticated`, and what `findPhone` throws. */
export async function requireAnyPhone(call: Call): Promise<PhoneSession | TokenPhone> {
  const phone = await findPhone(call)
  if (phone === null) throw new ProtocolError('unauthenticated')
  return phone
}

/** The same, as an attempt remembers it. */
export async function requirePhone(call: Call): Promise<Phone> {
  const { id, person } = await requireAnyPhone(call)
  return { sessionId: id, person }
}

/**
 * The signed-in computer or phone. A browser that is both is taken as the computer unless it says `phone`; with a bearer token it is
 * the token's phone.
 * @throws ProtocolError `unauthenticated`, and what `findPhone` throws.
 */
export async function requireAccount(call: Call, as: 'computer' | 'phone' | null): Promise<Account> {
  const { request } = call
  const hasToken = parseBearer(request.headers.get('authorization')) !== null
  const computer = as === 'phone' || hasToken ? null : await findComputer(request)
  const account = computer ?? (as === 'computer' ? null : await findPhone(call))
  if (account === null) throw new ProtocolError('unauthenticated')
  return account
}

async function requireTokenPhone(call: Call, token: string): Promise<TokenPhone> {
  const { bearer, signatures } = services()
  const phone = bearer === null ? null : await bearer.findPhone(token)
  if (phone === null) return await refuse(call, 'token_wrong')
  const { method, headers, url } = call.request
  const { pathname, search } = new URL(url)
  const signed = { method, path: pathname + search, body: call.body }
  if (signatures !== null && !(await signatures.isGood(headers, signed, phone.person.id))) {
    return await refuse(call, 'signature_wrong')
  }
  return phone
}

/** Counted after it was found bad, so that nobody's good token is refused for what others at the same address do. */
async function refuse({ request }: Call, code: 'token_wrong' | 'signature_wrong'): Promise<never> {
  const { config, limiter } = services()
  await limiter.badCredential(rateLimitKeys(clientAddress(request.headers, config.trustedProxies)))
  throw new ProtocolError(code)
}
