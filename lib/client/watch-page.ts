export interface PageListener {
  onHidden?: () => void
  onVisible: () => void
  onOnline: () => void
  onOffline?: () => void
  /** Into the back/forward cache, perhaps. */
  onCached?: () => void
  /** Out of the back/forward cache, as it was when it was left. */
  onRestored: () => void
  /** For good: a page that may come back out of the cache is not left. */
  onLeft?: () => void
}

/** Tells what happens to the page as a whole, until the returned function is called. */
export function watchPage(listener: PageListener): () => void {
  const onVisibility = () => (document.visibilityState === 'visible' ? listener.onVisible() : listener.onHidden?.())
  const handlers: [EventTarget, string, (event: Event) => void][] = [
    [document, 'visibilitychange', onVisibility],
    [window, 'online', () => listener.onOnline()],
    [window, 'offline', () => listener.onOffline?.()],
    [window, 'pageshow', (event) => isCached(event) && listener.onRestored()],
    [window, 'pagehide', (event) => (isCached(event) ? listener.onCached?.() : listener.onLeft?.())],
  ]
  for (const [target, name, handle] of handlers) target.addEventListener(name, handle)
  return () => {
    for (const [target, name, handle] of handlers) target.removeEventListener(name, handle)
  }
}

function isCached(event: Event): boolean {
  return (event as PageTransitionEvent).persisted
}
