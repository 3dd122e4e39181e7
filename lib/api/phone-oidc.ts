import { type PendingSignIn, ProviderError, type SignInFailure } from '../accounts/oidc'
import { isProtocolError, ProtocolError } from '../core/errors'
import { isForm, parseBody, parseForm } from '../http/body'
import { parseReturnPath } from '../http/next-path'
import { type Call, resource } from '../http/resource'
import { json, redirect } from '../http/response'
import type { ApiContext } from './context'
import { beginPhoneSession } from './phone-session'
import { oidcBody } from './schemas'

/** Long enough for a person who has to look for a second factor. */
const PENDING_S = 15 * 60

/** The sealed cookie: longer return paths do not fit. */
const MAX_RETURN_CHARS = 256

interface Pending extends PendingSignIn {
  return: string
  /** Epoch ms. */
  endsAt: number
}

const options = { exists: ({ oidc }: ApiContext) => oidc !== null, takesForms: true }

/**
 * `POST /api/phone/session/oidc`: begins a sign-in at the team's provider, bound to this browser. A
 * form is answered with a redirect, JSON with the URL.
 */
export const phoneOidc = resource(
  '/api/phone/session/oidc',
  {
    POST: async (call: Call, context: ApiContext) => {
      const { cookies, limiter, publicOrigin } = context
      await limiter.providerSignIn(call.rateLimitKeys)
      const isFromForm = isForm(call.request)
      const { return: given = '/phone' } = (isFromForm ? parseForm : parseBody)(call.body, oidcBody)
      const path = parseReturnPath(given, publicOrigin)
      if (path === null || sealedCharsOf(path) > MAX_RETURN_CHARS)
        throw new ProtocolError('bad_request', { errors: [{ path: 'return', message: 'a path' }] })
      const { url, pending } = await call.suspendDeadline(() => begin(context))
      const value: Pending = { ...pending, return: path, endsAt: context.now() + PENDING_S * 1000 }
      const response = isFromForm ? redirect(url) : json({ url })
      response.headers.append('Set-Cookie', await cookies.write('oidc', JSON.stringify(value), PENDING_S))
      return response
    },
  },
  options,
)

/**
 * `GET /api/phone/session/oidc/callback`: the provider sends the browser back. Signs the phone in,
 * or says at the return path why not (`sign_in`). Changes state on GET: a response that this
 * browser has not requested is refused.
 */
export const phoneOidcCallback = resource(
  '/api/phone/session/oidc/callback',
  {
    HEAD: null,
    GET: async (call: Call, context: ApiContext) => {
      const { cookies, limiter } = context
      const pending = await readPending(call, context)
      if (pending === null) return redirect(withFailure('/phone', 'rejected'))
      // Not what this browser began last: another tab, or a foreign page. That sign-in goes on.
      if (call.url.searchParams.get('state') !== pending.state) return failed(pending, 'rejected')
      try {
        await limiter.providerSignIn(call.rateLimitKeys)
      } catch (error) {
        if (isProtocolError(error) && error.code === 'rate_limited') return failed(pending, 'unavailable')
        throw error
      }
      const response = await finish(call, context, pending)
      response.headers.append('Set-Cookie', cookies.clear('oidc'))
      return response
    },
  },
  options,
)

async function begin({ oidc }: ApiContext) {
  try {
    if (oidc !== null) return await oidc.begin()
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
  }
  throw new ProtocolError('unavailable', { retryAfterS: 5 })
}

async function finish(call: Call, context: ApiContext, pending: Pending): Promise<Response> {
  const { oidc } = context
  try {
    if (oidc === null) return failed(pending, 'unavailable')
    const person = await call.suspendDeadline(() => oidc.finish(call.url.searchParams, pending))
    const response = redirect(pending.return)
    response.headers.append('Set-Cookie', await beginPhoneSession(call, context, person))
    return response
  } catch (error) {
    if (error instanceof ProviderError) return failed(pending, error.failure)
    // The person is in a navigation: a page says what has failed, and has a button to try again.
    context.logError(error, { requestId: call.requestId, route: '/api/phone/session/oidc/callback' })
    return failed(pending, 'unavailable')
  }
}

function failed(pending: Pending, failure: SignInFailure): Response {
  return redirect(withFailure(pending.return, failure))
}

function withFailure(path: string, failure: SignInFailure): string {
  const [before = '', hash] = path.split('#', 2)
  const query = `${before.includes('?') ? '&' : '?'}sign_in=${failure}`
  return `${before}${query}${hash === undefined ? '' : `#${hash}`}`
}

async function readPending({ request: { headers } }: Call, { cookies, now }: ApiContext): Promise<Pending | null> {
  const value = await cookies.read(headers.get('cookie'), 'oidc')
  const pending = value === null ? null : (JSON.parse(value) as Pending)
  return pending !== null && now() < pending.endsAt ? pending : null
}

/** The length of a path in the cookie, whose value is JSON within JSON. */
function sealedCharsOf(path: string): number {
  const escaped = JSON.stringify(path).slice(1, -1)
  return JSON.stringify(escaped).length - 2
}
