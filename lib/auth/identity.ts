import type { Phone } from '../core/attempt/attempt'
import { hashBrowserSecret } from '../core/attempt/tokens'
import { ProtocolError } from '../core/errors'
import type { Limiter } from '../core/rate-limit/limiter'
import type { Account, ComputerSession, PhoneSession, TokenPhone } from '../core/session/session'
import type { Sessions } from '../core/session/sessions'
import type { HeaderReader } from '../http/api-request'
import { parseBearer } from '../http/authorization'
import type { Call } from '../http/resource'
import type { BearerTokens } from './bearer'
import type { Cookies } from './cookies'
import type { Signatures } from './signature'

/** What it takes to find out who a client is. */
export interface AuthContext {
  cookies: Cookies
  sessions: Sessions
  /** Null where the settings name no bearer tokens. */
  bearer: BearerTokens | null
  /** Null where requests need no signature. */
  signatures: Signatures | null
  limiter: Limiter
}

/** What cookies are read from: a request, or the headers of a page. */
export interface Identified {
  headers: HeaderReader
}

/** The hash of the browser's secret, or null when it has none that we made. */
async function findBrowserHash({ headers }: Identified, { cookies }: AuthContext): Promise<string | null> {
  const secret = await cookies.read(headers.get('cookie'), 'browser')
  return secret === null ? null : hashBrowserSecret(secret)
}

/** @throws ProtocolError `not_found`: to a browser without the secret, no attempt exists. */
export async function requireBrowserHash(request: Identified, context: AuthContext): Promise<string> {
  const hash = await findBrowserHash(request, context)
  if (hash === null) throw new ProtocolError('not_found')
  return hash
}

export async function findComputer({ headers }: Identified, context: AuthContext): Promise<ComputerSession | null> {
  const { cookies, sessions } = context
  const id = await cookies.read(headers.get('cookie'), 'session')
  return id === null ? null : await sessions.findLive('computer', id)
}

/** The phone whose cookie this is, or null. For pages, which know no bearer tokens. */
export async function findCookiePhone({ headers }: Identified, context: AuthContext): Promise<PhoneSession | null> {
  const { cookies, sessions } = context
  const id = await cookies.read(headers.get('cookie'), 'phone')
  return id === null ? null : await sessions.findLive('phone', id)
}

/**
 * The requesting phone, or null: by its cookie, or by the bearer token of a native app and, where
 * requests have to be signed, its signature.
 * @throws ProtocolError `two_identities`, `token_wrong`, `signature_wrong`, `rate_limited`,
 * `unavailable`.
 */
export async function findPhone(
  call: Call,
  context: AuthContext,
  token = parseBearer(call.request.headers.get('authorization')),
): Promise<PhoneSession | TokenPhone | null> {
  const phone = await findCookiePhone(call.request, context)
  if (token === null) return phone
  // Valid or not: a request carries one identity.
  if (phone !== null) throw new ProtocolError('two_identities')
  return await requireTokenPhone(call, token, context)
}

/** @throws ProtocolError `unauthenticated`, and what `findPhone` throws. */
export async function requireAnyPhone(call: Call, context: AuthContext): Promise<PhoneSession | TokenPhone> {
  const phone = await findPhone(call, context)
  if (phone === null) throw new ProtocolError('unauthenticated')
  return phone
}

/** The same, as an attempt remembers it. */
export async function requirePhone(call: Call, context: AuthContext): Promise<Phone> {
  const { id, person } = await requireAnyPhone(call, context)
  return { sessionId: id, person }
}

/**
 * The signed-in computer or phone. A browser that is both counts as the computer unless `as` is
 * `phone`; with a bearer token it is the token's phone.
 * @throws ProtocolError `unauthenticated`, and what `findPhone` throws.
 */
export async function requireAccount(
  call: Call,
  as: 'computer' | 'phone' | null,
  context: AuthContext,
): Promise<Account> {
  const { request } = call
  const token = parseBearer(request.headers.get('authorization'))
  const computer = as === 'phone' || token !== null ? null : await findComputer(request, context)
  const account = computer ?? (as === 'computer' ? null : await findPhone(call, context, token))
  if (account === null) throw new ProtocolError('unauthenticated')
  return account
}

async function requireTokenPhone(call: Call, token: string, context: AuthContext): Promise<TokenPhone> {
  const { bearer, signatures, limiter } = context
  const phone = bearer === null ? null : await bearer.findPhone(token)
  if (phone === null) return await refuse(call, 'token_wrong', limiter)
  const { method, headers } = call.request
  const { pathname, search } = call.url
  const signed = { method, path: pathname + search, body: call.body }
  if (signatures !== null && !(await signatures.isGood(headers, signed, phone.person.id))) {
    return await refuse(call, 'signature_wrong', limiter)
  }
  return phone
}

/**
 * Counted after it was found bad, so that no good token is refused for what other clients of its
 * address send.
 */
async function refuse(call: Call, code: 'token_wrong' | 'signature_wrong', limiter: Limiter): Promise<never> {
  await limiter.badCredential(call.rateLimitKeys)
  throw new ProtocolError(code)
}
