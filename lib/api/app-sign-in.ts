import type { ForwardAuth } from '../apps/forward-auth'
import type { ForwardRequest } from '../apps/forward-request'
import { findComputer } from '../auth/identity'
import { hashBrowserSecret } from '../core/attempt/tokens'
import { ProtocolError } from '../core/errors'
import { mayBeNavigation } from '../http/navigation'
import { type Call, type Resource, resource } from '../http/resource'
import { redirect } from '../http/response'
import { findAppBrowserHash } from './apps'
import type { ApiContext } from './context'
import { FORWARD_AUTH } from './forward-auth'
import { showLostRequest } from './lost-request'

const PAGES = { ...FORWARD_AUTH, showRefusal: showLostRequest }

/** Sign-ins to apps behind forward auth, on our own origin. */
export const APP_SIGN_IN_RESOURCES: readonly Resource<ApiContext>[] = [
  resource('/authz/sign-in', { HEAD: null, GET: signIn }, PAGES),
  resource('/authz/sign-in/{id}', { HEAD: null, GET: goOn }, PAGES),
  resource('/authz/sign-in/{id}/declined', { HEAD: null, GET: goBack }, PAGES),
  resource('/authz/lost', { HEAD: null, GET: refuseLost }, PAGES),
]

/**
 * The browser comes from the app's host. Where nobody is signed in here, the request waits for it,
 * and belongs to this browser.
 */
async function signIn(call: Call, context: ApiContext): Promise<Response> {
  const { cookies, limiter, newBrowserSecret } = context
  const { request, rateLimitKeys, url } = call
  const forwardAuth = requireForwardAuth(context)
  if (!mayBeNavigation(request.headers)) throw new ProtocolError('cross_site')
  const session = await findComputer(request, context)
  await (session === null ? limiter.appRequest(rateLimitKeys) : limiter.appRequestOf(session.id))
  const forward = forwardAuth.requireSigned(url.searchParams.get('request') ?? '')
  if (session !== null) return redirect(await forwardAuth.callbackUrl(forward, session))
  const known = await cookies.read(request.headers.get('cookie'), 'app')
  const secret = known ?? newBrowserSecret()
  const response = redirect(await forwardAuth.wait(forward, hashBrowserSecret(secret)))
  if (known === null) response.headers.append('Set-Cookie', await cookies.write('app', secret))
  return response
}

/** Our own page sends the browser on after the sign-in. */
async function goOn(call: Call, context: ApiContext): Promise<Response> {
  const forward = await requireWaiting(call, context)
  const session = await findComputer(call.request, context)
  if (session === null) return redirect(`/login?interaction=${call.params.id}`)
  await context.limiter.appRequestOf(session.id)
  return redirect(await requireForwardAuth(context).callbackUrl(forward, session))
}

/** The person goes back to the app without a sign-in. */
async function goBack(call: Call, context: ApiContext): Promise<Response> {
  return redirect(requireForwardAuth(context).declinedUrl(await requireWaiting(call, context)))
}

/**
 * The app's host sends browsers here with what it cannot take: the app's pages are not ours to
 * fill.
 */
async function refuseLost(): Promise<Response> {
  throw new ProtocolError('interaction_unknown')
}

async function requireWaiting(call: Call, context: ApiContext): Promise<ForwardRequest> {
  const browserHash = await findAppBrowserHash(call.request, context)
  return await requireForwardAuth(context).requireWaiting(call.params.id ?? '', browserHash)
}

function requireForwardAuth({ forwardAuth }: ApiContext): ForwardAuth {
  if (forwardAuth === null) throw new ProtocolError('not_found')
  return forwardAuth
}
