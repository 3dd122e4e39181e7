/**
 * Whether this document may act before the first tap. A foreign page can trigger whatever a page
 * does on load: by a link, a window, a redirect, prerendering, or a step back in the history. False
 * if the browser has no navigation entry.
 *
 * `isInitiatorTrusted`: from the request headers of this document (`app/ui/initiator.ts`).
 */
export function mayActUnprompted(isInitiatorTrusted: boolean): boolean {
  const [entry] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  if (!isInitiatorTrusted || entry === undefined || isPrerendering()) return false
  // https://wicg.github.io/nav-speculation/prerendering.html: not 0 if the document was prerendered
  // before it was shown.
  const { activationStart = 0 } = entry as { activationStart?: number }
  return activationStart === 0 && entry.type !== 'back_forward'
}

/**
 * Calls `run` immediately, or when the prerendered page is shown. Returns the function that cancels
 * the call.
 */
export function whenShown(run: () => void): () => void {
  if (!isPrerendering()) {
    run()
    return () => {}
  }
  document.addEventListener('prerenderingchange', run, { once: true })
  return () => document.removeEventListener('prerenderingchange', run)
}

function isPrerendering(): boolean {
  return (document as { prerendering?: boolean }).prerendering === true
}
