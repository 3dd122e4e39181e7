import type { Cookies } from './cookies'

/** The cookies that a browser carries on the host of an app behind forward auth. */
type AppCookieName = 'app_state' | 'app_session'

/**
 * How long browsers keep the secret of a sign-in: it outlives every sign-in that was begun with it.
 */
const STATE_S = 3600

/**
 * What the cookie holds; null also for the cookie of another host, be it copied here or sent here.
 */
export async function readAppCookie(
  cookies: Cookies,
  header: string | null,
  name: AppCookieName,
  host: string,
): Promise<string | null> {
  const value = await cookies.read(header, name)
  const prefix = `${host} `
  return value?.startsWith(prefix) === true ? value.slice(prefix.length) : null
}

/** A `Set-Cookie` value for a response on the app's host. The seal names the host. */
export async function writeAppCookie(
  cookies: Cookies,
  name: AppCookieName,
  host: string,
  value: string,
): Promise<string> {
  const sealed = `${host} ${value}`
  return name === 'app_state' ? await cookies.write(name, sealed, STATE_S) : await cookies.write(name, sealed)
}
