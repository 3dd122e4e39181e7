import { readAppCookie, writeAppCookie } from '../auth/app-cookies'
import { ProtocolError } from '../core/errors'
import { isForm } from '../http/body'
import { parseAppPath } from '../http/next-path'
import { isCrossSite } from '../http/origin'
import { type Call, type Resource, resource } from '../http/resource'
import { noContent, redirect } from '../http/response'
import type { ApiContext } from './context'
import { FORWARD_AUTH, requireAppCall } from './forward-auth'

/** What the proxy of an app passes on to us, under the app's own name. */
export const APP_HOST_RESOURCES: readonly Resource<ApiContext>[] = [
  resource('/.qr-login/start', { HEAD: null, GET: start }, FORWARD_AUTH),
  resource('/.qr-login/callback', { HEAD: null, GET: finish }, { ...FORWARD_AUTH, showRefusal: leave }),
  // The handler compares with the origin of the app.
  resource('/.qr-login/sign-out', { POST: signOut }, { ...FORWARD_AUTH, takesForms: true, isOpenToSites: true }),
]

/**
 * Gives the browser a secret for this host, to which the sign-in is bound, and sends it to our
 * origin.
 */
async function start(call: Call, context: ApiContext): Promise<Response> {
  const { forwardAuth, host } = requireAppCall(call, context)
  const { cookies, newBrowserSecret } = context
  const uri = parseAppPath(call.url.searchParams.get('return'), forwardAuth.hosts.originOf(host))
  // Of a sign-in in another tab: both go on.
  const known = await readAppCookie(cookies, call.request.headers.get('cookie'), 'app_state', host)
  const state = known ?? newBrowserSecret()
  const response = redirect(forwardAuth.signInUrl({ host, state, uri }))
  response.headers.append('Set-Cookie', await writeAppCookie(cookies, 'app_state', host, state))
  return response
}

/** Exchanges the one-time code for the cookie of this host. */
async function finish(call: Call, context: ApiContext): Promise<Response> {
  const { forwardAuth, host } = requireAppCall(call, context)
  const { cookies } = context
  const state = await readAppCookie(cookies, call.request.headers.get('cookie'), 'app_state', host)
  const { session, uri } = await forwardAuth.open(call.url.searchParams.get('code') ?? '', host, state)
  const response = redirect(forwardAuth.hosts.originOf(host) + uri)
  response.headers.append('Set-Cookie', await writeAppCookie(cookies, 'app_session', host, session.id))
  return response
}

/**
 * A browser without the right code goes to our own page about it: there is no page of ours here.
 */
function leave({ code }: ProtocolError, _: Call, { publicOrigin }: ApiContext): Response | null {
  return code === 'interaction_unknown' ? redirect(`${publicOrigin}/authz/lost`) : null
}

/**
 * Signs the computer out, from every app. The cookie of this host alone would be of no use: the
 * next page would sign the browser in again without a question.
 */
async function signOut(call: Call, context: ApiContext): Promise<Response> {
  const { forwardAuth, host } = requireAppCall(call, context)
  const { cookies, sessions, publicOrigin } = context
  const { request } = call
  if (isCrossSite(request.headers, new Set([forwardAuth.hosts.originOf(host)]))) throw new ProtocolError('cross_site')
  const id = await readAppCookie(cookies, request.headers.get('cookie'), 'app_session', host)
  if (id !== null) await sessions.signOut(id, 'app')
  const response = isForm(request) ? redirect(`${publicOrigin}/`) : noContent()
  response.headers.append('Set-Cookie', cookies.clear('app_session'))
  response.headers.set('Clear-Site-Data', '"cache"')
  return response
}
