/**
 * Where to go after the sign-in: a path of our own, else `/`. Parsed as a browser would, not matched by prefix:
 * `//host`, `/\host`, tabs and schemes all lead elsewhere.
 */
export function parseNextPath(next: unknown, publicOrigin: string): string {
  if (typeof next !== 'string' || !next.startsWith('/') || !URL.canParse(next, publicOrigin)) return '/'
  const url = new URL(next, publicOrigin)
  const path = `${url.pathname}${url.search}${url.hash}`
  // Dots can make a path that itself reads as another host: `/.//host` is `//host` once it is resolved.
  const isOurs = url.origin === publicOrigin && !path.startsWith('//') && !url.pathname.startsWith('/login')
  return isOurs ? path : '/'
}
