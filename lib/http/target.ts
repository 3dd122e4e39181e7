import { isForeignHost } from './host'

/** Answered under every name: a probe knows an address, or the name of a container. */
const PROBES = new Set(['/api/health/live', '/api/health/ready'])

/**
 * Paths under which there is nothing: the one is answered as the API answers, the other by a page.
 */
const NOWHERE = '/nowhere'
const API_NOWHERE = '/api/nowhere'

/** Absolute-form: authority, then path and query (RFC 9112, section 3.2.2). */
const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)(.*)$/is

/** Segments that clients resolve before they send a path (RFC 3986, section 5.2.4). */
const DOT_SEGMENT = /(^|\/)\.{1,2}(\/|$)/

/** What the proxies of apps ask for, under the names of the apps. */
const OF_APPS = /^\/(authz|\.qr-login)\//

const IMAGE_OPTIMIZER = /^\/_next\/image(\/|$)/

/** A request as routers are to see it. */
export interface Target {
  /** In origin-form: path and query. */
  url: string
  /** The authority that the request names, with port; undefined when the request names none. */
  host: string | undefined
}

/** Whether this is one of the two health checks. `url`: in origin-form. */
export function isProbe(url: string): boolean {
  return PROBES.has(pathOf(url))
}

/**
 * Whether a path is answered under the names of the apps behind forward auth too. `url`: in
 * origin-form.
 */
export function isOfApps(url: string): boolean {
  return OF_APPS.test(url)
}

/** What of a URL in origin-form is before the query. */
export function pathOf(url: string): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

/**
 * Reads a request target. In absolute-form its authority replaces `Host`. What no router is to see
 * becomes a path under which there is nothing: other forms (`*`, authority-form), other schemes, an
 * authority that is not ours, a path that cannot be decoded, that has dot segments or backslashes,
 * and the image optimiser's. `host`: the header. `ownNames`: see `isForeignHost`; `appNames`: the
 * same for the paths that `isOfApps` accepts.
 */
export function readTarget(
  target: string,
  host: string | undefined,
  ownNames: ReadonlySet<string>,
  appNames = ownNames,
): Target {
  const namesFor = (url: string) => (isOfApps(url) ? appNames : ownNames)
  if (target.startsWith('/')) {
    const isOwn = isProbe(target) || !isForeignHost(host, namesFor(target))
    return isOwn && isRoutable(target) ? { url: target, host } : toNowhere(target, host)
  }
  const [, authority = '', rest = ''] = ABSOLUTE_FORM.exec(target) ?? []
  const url = rest.startsWith('/') ? rest : `/${rest}`
  const isOwn = authority !== '' && !isForeignHost(authority, namesFor(url))
  return isOwn && isRoutable(url) ? { url, host: authority } : toNowhere(url, host)
}

function isRoutable(url: string): boolean {
  const path = decodePath(pathOf(url))
  return path !== null && !path.includes('\\') && !DOT_SEGMENT.test(path) && !IMAGE_OPTIMIZER.test(path)
}

function decodePath(path: string): string | null {
  try {
    return decodeURIComponent(path)
  } catch {
    return null
  }
}

function toNowhere(url: string, host: string | undefined): Target {
  return { url: url.startsWith('/api/') ? API_NOWHERE : NOWHERE, host }
}
