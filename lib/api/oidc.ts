import type { Apps } from '../apps/apps'
import type { OidcResponse } from '../apps/oidc/oidc-server'
import type { SignOutRequest } from '../apps/oidc/provider'
import { encodeQuestion, parseQuestion } from '../apps/sign-out-question'
import { findComputer } from '../auth/identity'
import { parseShortCode } from '../core/attempt/short-code'
import { hashBrowserSecret } from '../core/attempt/tokens'
import { ProtocolError } from '../core/errors'
import type { ComputerSession } from '../core/session/session'
import { isForm, parseForm } from '../http/body'
import { mayBeNavigation, takesPages } from '../http/navigation'
import { localeCookie, localeOf, plainPage } from '../http/plain-page'
import { type Call, type Resource, resource } from '../http/resource'
import { redirect } from '../http/response'
import { PLAIN_TEXTS } from '../i18n/plain-texts'
import type { ApiContext } from './context'
import { showLostRequest } from './lost-request'
import { signOutBody } from './schemas'
import { checkAllowed } from './start'

const OFFERED = { exists: ({ apps }: ApiContext) => apps !== null }
/** Requests of an app's server, with a form. */
const FORMS = { ...OFFERED, takesForms: true }
/** What an app sends the browser here for, also with a form of its own page. */
const NAVIGATIONS = { ...FORMS, isOpenToSites: true, showRefusal: showLostRequest }

/** The OpenID provider, as PROTOCOL.md describes it. */
export const OIDC_RESOURCES: readonly Resource<ApiContext>[] = [
  resource('/oidc/.well-known/openid-configuration', { GET: discover }, OFFERED),
  resource('/oidc/jwks', { GET: pass }, OFFERED),
  resource('/oidc/auth', { HEAD: null, GET: authorize, POST: toGet }, NAVIGATIONS),
  resource('/oidc/auth/{id}', { HEAD: null, GET: authorize }, NAVIGATIONS),
  resource('/oidc/token', { POST: passForm }, FORMS),
  resource('/oidc/token/introspection', { POST: passForm }, FORMS),
  resource('/oidc/token/revocation', { POST: passForm }, FORMS),
  resource('/oidc/device/auth', { POST: beginDevice }, FORMS),
  resource('/oidc/me', { GET: passForm, POST: passForm }, FORMS),
  resource('/oidc/session/end', { HEAD: null, GET: askToSignOut, POST: toGet }, NAVIGATIONS),
  resource('/oidc/session/end/confirm', { POST: signOut }, FORMS),
]

function requireApps({ apps }: ApiContext): Apps {
  if (apps === null) throw new ProtocolError('not_found')
  return apps
}

async function pass(call: Call, context: ApiContext): Promise<Response> {
  return toResponse(await ask(call, context))
}

/** Wrong credentials of clients and wrong tokens are counted, as those of native apps are. */
async function passForm(call: Call, context: ApiContext): Promise<Response> {
  const answered = await ask(call, context)
  if (answered.status === 401) await context.limiter.badCredential(call.rateLimitKeys)
  return toResponse(answered)
}

/** How often user codes are drawn before a clash with another one is given up. */
const USER_CODES = 5
/** How long a device waits between two requests for its tokens (RFC 8628, section 3.2). */
const POLL_S = 5

/** RFC 8628, section 3.1: a device without a browser asks for a sign-in. */
async function beginDevice(call: Call, context: ApiContext): Promise<Response> {
  const { findNetwork, findPlace, limiter, publicOrigin, attemptMs } = context
  const { client, rateLimitKeys } = call
  const { headers } = call.request
  const computer = {
    browser: null,
    os: null,
    place: findPlace(headers, client),
    network: findNetwork(headers, client),
  }
  checkAllowed(call, context)
  await limiter.pass(limiter.startDevice(rateLimitKeys))
  for (let drawn = 0; drawn < USER_CODES; drawn += 1) {
    const answered = await ask(call, context)
    if (answered.status === 401) await limiter.badCredential(rateLimitKeys)
    if (answered.status !== 200) return toResponse(answered)
    const body = JSON.parse(answered.body) as { device_code: string; user_code: string }
    const { device_code: deviceCode, user_code: userCode } = body
    const authorization = { deviceCode, userCode: parseShortCode(userCode) ?? '' }
    if (!(await requireApps(context).beginDevice(authorization, computer))) continue
    const verification = {
      verification_uri: `${publicOrigin}/device`,
      verification_uri_complete: `${publicOrigin}/device#${userCode}`,
    }
    const times = { expires_in: Math.floor(attemptMs / 1000), interval: POLL_S }
    return toResponse({ ...answered, body: JSON.stringify({ ...body, ...verification, ...times }) })
  }
  throw new ProtocolError('unavailable', { retryAfterS: 2 })
}

/** What oidc-provider says it can do, without what our pages' policy does not let it do. */
async function discover(call: Call, context: ApiContext): Promise<Response> {
  const { status, headers, body } = await ask(call, context)
  const document = { ...(JSON.parse(body) as object), response_modes_supported: ['query', 'fragment'] }
  return toResponse({ status, headers, body: JSON.stringify(document) })
}

/** The same request as a navigation, which carries the browser's cookies. */
async function toGet({ url, body, request }: Call): Promise<Response> {
  if (!isForm(request)) throw new ProtocolError('not_json')
  // Encoded anew: what a form may have, a header may not.
  return redirect(`${url.pathname}?${new URLSearchParams(body)}`)
}

/**
 * An app sends the browser here, or our own page sends it on after the sign-in. Where somebody has
 * to sign in, the request belongs to this browser from then on.
 */
async function authorize(call: Call, context: ApiContext): Promise<Response> {
  const { cookies, limiter, newBrowserSecret } = context
  const { request, rateLimitKeys, params } = call
  if (!mayBeNavigation(request.headers)) throw new ProtocolError('cross_site')
  if (call.url.search.length > MAX_QUERY_CHARS) return refuse(call, TOO_LONG)
  const session = await findComputer(request, context)
  await (session === null ? limiter.appRequest(rateLimitKeys) : limiter.appRequestOf(session.id))
  const known = await cookies.read(request.headers.get('cookie'), 'app')
  const secret = known ?? newBrowserSecret()
  const browserHash = hashBrowserSecret(secret)
  if (params.id !== undefined) {
    await context.appSignIns?.require(params.id, browserHash)
    // The session that the sign-in began has ended since, or another person has signed in.
    const accountId = await requireApps(context).server.findSignedIn(params.id)
    if (accountId !== null && accountId !== session?.person.id) throw new ProtocolError('interaction_unknown')
  }
  const answered = await ask(call, context, { session, browserHash, resumes: params.id ?? null })
  if (answered.status >= 400 && params.id !== undefined) throw new ProtocolError('interaction_unknown')
  if (answered.status >= 400) return refuse(call, answered)
  const response = toResponse(answered)
  const isSentToSignIn = answered.headers.location?.toString().startsWith('/login?') === true
  if (isSentToSignIn && known === null) response.headers.append('Set-Cookie', await cookies.write('app', secret))
  const language = isSentToSignIn ? localeCookie(request.headers, call.url.searchParams.get('ui_locales')) : null
  if (language !== null) response.headers.append('Set-Cookie', language)
  return response
}

/**
 * OpenID Connect RP-Initiated Logout 1.0: the person is asked, unless the app shows that the
 * session is its own.
 */
async function askToSignOut(call: Call, context: ApiContext): Promise<Response> {
  const session = await findComputer(call.request, context)
  const answered = await ask(call, context, { session, browserHash: '', resumes: null })
  if (answered.signOut === null) return refuse(call, answered)
  if (session === null) return redirect(answered.signOut.next ?? '/')
  if (answered.signOut.isOwnSession) return await end(context, session.id, answered.signOut.next)
  return toQuestion(call, context, session, answered.signOut)
}

/** The answer to the question. It ends the session that was asked about, and no other one. */
async function signOut(call: Call, context: ApiContext): Promise<Response> {
  const question = parseQuestion(context.keys, parseForm(call.body, signOutBody).question)
  if (question === null) throw new ProtocolError('bad_request', { errors: [{ path: 'question', message: 'ours' }] })
  const session = await findComputer(call.request, context)
  if (session !== null && session.id !== question.sessionId) return redirect('/')
  return await end(context, question.sessionId, question.next)
}

async function end({ sessions, cookies }: ApiContext, id: string, next: string | null): Promise<Response> {
  await sessions.signOut(id, 'app')
  const response = redirect(next ?? '/')
  response.headers.append('Set-Cookie', cookies.clear('session'))
  return response
}

function toQuestion(
  call: Call,
  context: ApiContext,
  { id }: ComputerSession,
  { clientId, next }: SignOutRequest,
): Response {
  const locale = localeOf(call.request.headers, call.url.searchParams.get('ui_locales'))
  const { title, text, from, yes, no } = PLAIN_TEXTS[locale].signOut
  const app = clientId === null ? null : requireApps(context).nameOf(clientId, locale)
  const question = encodeQuestion(context.keys, { sessionId: id, clientId, next })
  // The form has to fit into a body.
  if (question.length > MAX_QUESTION_CHARS) return refuse(call, TOO_LONG)
  const leadsTo = next === null ? null : originOf(next)
  const form = { action: '/oidc/session/end/confirm', fields: { question }, label: yes, leadsTo }
  const texts = app === null ? [text] : [from.replace('{app}', app), text]
  return plainPage({ status: 200, title, texts, form, link: { label: no, path: '/' } }, locale)
}

/** What `form-action` names: an origin, or the scheme of a native app. */
function originOf(address: string): string {
  const { origin, protocol } = new URL(address)
  return origin === 'null' ? protocol : origin
}

/** What is kept of a request of an app is as large as the body of another request may be. */
export const MAX_QUERY_CHARS = 4096

const MAX_QUESTION_CHARS = 3500

const TOO_LONG = {
  status: 400,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify({ error: 'invalid_request', error_description: 'the request is too long' }),
  signOut: null,
}

/** To people as a page, to programs as oidc-provider has it. */
function refuse({ request: { headers }, url }: Call, answered: OidcResponse): Response {
  if (!takesPages(headers)) return toResponse(answered)
  const locale = localeOf(headers, url.searchParams.get('ui_locales'))
  const { error, error_description: reason } = JSON.parse(answered.body) as Record<string, string>
  const { title, text, reason: label, home } = PLAIN_TEXTS[locale].wrongRequest
  const detail = { label, text: [error, reason].filter((each) => each !== undefined).join(': ') }
  return plainPage({ status: answered.status, title, texts: [text], detail, link: { label: home, path: '/' } }, locale)
}

interface AppCaller {
  session: ComputerSession | null
  browserHash: string
  resumes: string | null
}

const NOBODY: AppCaller = { session: null, browserHash: '', resumes: null }

async function ask(call: Call, context: ApiContext, caller: AppCaller = NOBODY): Promise<OidcResponse> {
  const { method, headers } = call.request
  const { server } = requireApps(context)
  await call.suspendDeadline(() => server.ready())
  return await server.respond({
    method: method === 'HEAD' ? 'GET' : method,
    url: urlOf(call),
    headers: { authorization: headers.get('authorization'), contentType: headers.get('content-type') },
    body: call.body,
    sessionId: caller.session?.id ?? null,
    browserHash: caller.browserHash,
    locale: localeOf(headers, call.url.searchParams.get('ui_locales')),
    resumes: caller.resumes,
  })
}

/** Below the issuer. `form_post` would submit by a script: it is unknown here. */
function urlOf({ url: { pathname, searchParams, search } }: Call): string {
  const path = pathname.slice('/oidc'.length)
  if (searchParams.get('response_mode') !== 'form_post') return path + search
  const query = new URLSearchParams(searchParams)
  query.set('response_mode', 'unknown')
  return `${path}?${query}`
}

const SENT = ['content-type', 'location', 'www-authenticate', 'cache-control']

function toResponse({ status, headers, body }: Pick<OidcResponse, 'status' | 'headers' | 'body'>): Response {
  const sent = SENT.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])] as const]))
  const isEmpty = body === '' || (status >= 300 && status < 400)
  return new Response(isEmpty ? null : body, { status, headers: Object.fromEntries(sent) })
}
