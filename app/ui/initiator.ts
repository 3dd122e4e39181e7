/** Headers of a prefetch or a prerender, whose result may never be visible. */
const SPECULATIVE = ['sec-purpose', 'purpose']

/**
 * True if no foreign page can have led to this document: the navigation started outside a page (a
 * typed address, a camera app) or on one of our pages. False if the browser sends no Fetch
 * Metadata, as over http on a local network.
 *
 * Fetch Metadata, 2.4: the value covers every redirect on the way. A page cannot set it.
 */
export function isInitiatorTrusted(headers: { get(name: string): string | null }): boolean {
  const site = headers.get('sec-fetch-site')
  const isSpeculative = SPECULATIVE.some((name) => headers.get(name) !== null)
  return (site === 'none' || site === 'same-origin') && !isSpeculative
}
