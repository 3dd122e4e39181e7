import type { Resource } from '../http/resource'
import { accountEvents } from './account-events'
import { APP_HOST_RESOURCES } from './app-host'
import { APP_SIGN_IN_RESOURCES } from './app-sign-in'
import { appById, apps, decline } from './apps'
import { attempt } from './attempt'
import { attemptEvents } from './attempt-events'
import { cancel } from './cancel'
import { confirm } from './confirm'
import type { ApiContext } from './context'
import { AUTHZ_RESOURCES } from './forward-auth'
import { live, ready } from './health'
import { hold } from './hold'
import { match } from './match'
import { metrics } from './metrics'
import { OIDC_RESOURCES } from './oidc'
import { openapi } from './openapi'
import { passkeyById, passkeyOptions, passkeySignInOptions, passkeys } from './passkeys'
import { phoneOidc, phoneOidcCallback } from './phone-oidc'
import { phoneSession } from './phone-session'
import { phoneSources } from './phone-sources'
import { phoneById, phones } from './phones'
import { redeem } from './redeem'
import { scan } from './scan'
import { session } from './session'
import { acknowledge, sessionById, sessions } from './sessions'
import { shortCode } from './short-code'
import { start } from './start'

const RESOURCES: readonly Resource<ApiContext>[] = [
  start,
  hold,
  scan,
  confirm,
  cancel,
  attempt,
  attemptEvents,
  match,
  redeem,
  shortCode,
  phoneSession,
  phoneOidc,
  phoneOidcCallback,
  phoneSources,
  passkeySignInOptions,
  passkeys,
  passkeyOptions,
  passkeyById,
  session,
  sessions,
  sessionById,
  acknowledge,
  phones,
  phoneById,
  apps,
  appById,
  decline,
  accountEvents,
  live,
  ready,
  metrics,
  openapi,
]

/** Every route of the API, as PROTOCOL.md writes it. */
export const ROUTES: readonly string[] = RESOURCES.map(({ route }) => route)

/** The API, and what apps and their proxies see of us. */
const ALL = [...RESOURCES, ...OIDC_RESOURCES, ...AUTHZ_RESOURCES, ...APP_SIGN_IN_RESOURCES, ...APP_HOST_RESOURCES]

const PLAIN = new Map(ALL.map((resource) => [resource.route, resource]))

/** Routes with an id, by number of segments. */
const WITH_ID = ALL.filter(({ route }) => route.includes('{id}')).map((resource) => ({
  resource,
  segments: resource.route.split('/'),
}))

export interface FoundRoute {
  /** Null: the path is the API's, and has no resource (404). */
  resource: Resource<ApiContext> | null
  params: Readonly<Record<string, string>>
}

/**
 * Finds what answers a path, by the route patterns. Null for paths outside the API, and for those
 * with empty segments, which the router of a framework redirects.
 */
export function findRoute(path: string): FoundRoute | null {
  const plain = PLAIN.get(path)
  if (plain !== undefined && !path.includes('{')) return { resource: plain, params: NO_PARAMS }
  const authz = AUTHZ_RESOURCES.find(({ route }) => path.startsWith(`${route}/`))
  if (authz !== undefined) return { resource: authz, params: NO_PARAMS }
  const segments = path.split('/')
  if (segments[0] !== '' || !OURS.has(segments[1] ?? '') || segments.length < 3 || segments.indexOf('', 1) !== -1)
    return null
  for (const { resource, segments: pattern } of WITH_ID) {
    const id = matchSegments(pattern, segments)
    if (id !== null) return { resource, params: { id } }
  }
  return { resource: null, params: NO_PARAMS }
}

/** Below these, what is not in the table is 404. */
const OURS = new Set(['api', 'oidc', 'authz', '.qr-login'])

const NO_PARAMS = {}

/** What stands in the place of `{id}`; null where another segment differs. */
function matchSegments(pattern: readonly string[], segments: readonly string[]): string | null {
  if (pattern.length !== segments.length) return null
  let id = ''
  for (const [index, expected] of pattern.entries()) {
    const segment = segments[index] ?? ''
    if (expected === '{id}') id = segment
    else if (expected !== segment) return null
  }
  return id
}
