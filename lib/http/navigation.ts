import type { HeaderReader } from './api-request'

/**
 * False for a picture, a script or a fetch of another page, which is no request of an app. Browsers
 * name both the site and the mode (Fetch Metadata).
 */
export function mayBeNavigation(headers: HeaderReader): boolean {
  const mode = headers.get('sec-fetch-mode')
  return headers.get('sec-fetch-site') === null || mode === null || mode === 'navigate'
}

/** Whether the response is shown to a person. */
export function takesPages(headers: HeaderReader): boolean {
  return headers.get('accept')?.includes('text/html') === true
}
