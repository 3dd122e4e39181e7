import { isMethod, nowhere, type RouteHandler } from '../http/resource'
import { accountEvents } from './account-events'
import { attempt } from './attempt'
import { attemptEvents } from './attempt-events'
import { cancel } from './cancel'
import { confirm } from './confirm'
import { live, ready } from './health'
import { match } from './match'
import { metrics } from './metrics'
import { openapi } from './openapi'
import { phoneSession } from './phone-session'
import { phoneById, phones } from './phones'
import { redeem } from './redeem'
import { scan } from './scan'
import { session } from './session'
import { acknowledge, sessionById, sessions } from './sessions'
import { start } from './start'

const RESOURCES = [
  start,
  scan,
  confirm,
  cancel,
  attempt,
  attemptEvents,
  match,
  redeem,
  phoneSession,
  session,
  sessions,
  sessionById,
  acknowledge,
  phones,
  phoneById,
  accountEvents,
  live,
  ready,
  metrics,
  openapi,
]

const BY_ROUTE = new Map(RESOURCES.map((resource) => [resource.route, resource]))

/** Of the routes that have an id it is the third segment. */
const WITH_ID = /^(\/api\/[a-z]+\/)([^/]+)(\/[a-z]+)?$/

interface Found {
  handler: RouteHandler
  params: Record<string, string>
}

/**
 * What answers a request, without the router of a framework: of the API every path, be it with 404. Null for unknown methods, and for
 * paths that the router of the framework redirects.
 */
export function findHandler(method: string, path: string): Found | null {
  if (!isMethod(method)) return null
  const plain = BY_ROUTE.get(path)
  if (plain !== undefined) return { handler: plain[method], params: {} }
  const [, before, id, after = ''] = WITH_ID.exec(path) ?? []
  const resource = BY_ROUTE.get(`${before}{id}${after}`)
  if (resource !== undefined && id !== undefined) return { handler: resource[method], params: { id } }
  return UNKNOWN.test(path) ? { handler: NOWHERE[method], params: {} } : null
}

const NOWHERE = nowhere()

/** Under `/api`, without empty segments: those are redirected. */
const UNKNOWN = /^\/api(\/[^/]+)+$/

/** Every route, as PROTOCOL.md writes it. */
export const ROUTES: readonly string[] = [...BY_ROUTE.keys()]
