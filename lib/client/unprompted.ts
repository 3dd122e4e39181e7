/**
 * Whether this document may act before the first tap. What a page does by itself, a foreign page
 * can make it do: by a link, a window, a redirect, a prerendered document, or a step back in the
 * history.
 *
 * `isInitiatorTrusted`: what the server makes of the request for this document
 * (`app/ui/initiator.ts`).
 */
export function mayActUnprompted(isInitiatorTrusted: boolean): boolean {
  const [entry] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  if (!isInitiatorTrusted || entry === undefined || isPrerendering()) return false
  // https://wicg.github.io/nav-speculation/prerendering.html: not 0 when the document was
  // prerendered before it was shown.
  const { activationStart = 0 } = entry as { activationStart?: number }
  return activationStart === 0 && entry.type !== 'back_forward'
}

/**
 * Calls `run` at once, or when a page that is being prerendered is shown. Returns what undoes it.
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
