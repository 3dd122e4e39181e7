export interface PageListener {
  onHidden?: () => void
  onVisible: () => void
  onOnline: () => void
  onOffline?: () => void
  /** The page may enter the back/forward cache. */
  onCached?: () => void
  /** The page returns from the back/forward cache, with its old state. */
  onRestored: () => void
  /** The page is unloaded, and cannot return from the cache. */
  onLeft?: () => void
}

/** Reports visibility, network and page lifecycle events until the returned function is called. */
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
