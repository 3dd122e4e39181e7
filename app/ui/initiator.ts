/** Browsers send these with a prefetch or a prerender, whose answer no person may ever see. */
const SPECULATIVE = ['sec-purpose', 'purpose']

/**
 * Whether no foreign page can have led to this document: it was opened from outside the browser's pages (an address that
 * was typed, a camera app), or by a page of ours. False where the browser does not tell, as over http on a local network.
 *
 * Fetch Metadata, 2.4: the value covers every redirect on the way. It cannot be set by a page.
 */
export function isInitiatorTrusted(headers: { get(name: string): string | null }): boolean {
  const site = headers.get('sec-fetch-site')
  const isSpeculative = SPECULATIVE.some((name) => headers.get(name) !== null)
  return (site === 'none' || site === 'same-origin') && !isSpeculative
}
