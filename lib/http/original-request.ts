import type { HeaderReader } from './api-request'

/** A request that a proxy has received, as the proxy describes it. */
export interface OriginalRequest {
  /** Null: the proxy did not say. All fields are as they were sent. */
  host: string | null
  protocol: string | null
  method: string | null
  uri: string | null
}

/** Reads what a proxy says. Only that of a trusted one means anything. */
export function readOriginalRequest(headers: HeaderReader): OriginalRequest {
  return {
    host: headers.get('x-forwarded-host'),
    protocol: headers.get('x-forwarded-proto'),
    method: headers.get('x-forwarded-method'),
    uri: headers.get('x-forwarded-uri'),
  }
}

/**
 * Whether a person opens a page with this request, so that a redirect leads to another page.
 * Browsers say it themselves over https; without that, a GET that prefers HTML. `method`: of the
 * request.
 */
export function isNavigation(method: string | null, headers: HeaderReader): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false
  const mode = headers.get('sec-fetch-mode')
  return mode === null ? headers.get('accept')?.includes('text/html') === true : mode === 'navigate'
}
