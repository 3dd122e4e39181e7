'use client'

import { useLayoutEffect, useState } from 'react'

/** A narrower window counts as a phone. The same width as in `panel-shell.module.css`. */
const WIDE = '(min-width: 640px)'

/** Whether the window is or was wider than a phone. So zooming in does not hide the code. */
export function useWideOnce(): boolean {
  const [isWide, setWide] = useState(false)
  // Before the first paint, so that it does not delay the code.
  useLayoutEffect(() => {
    const query = matchMedia(WIDE)
    const update = () => query.matches && setWide(true)
    update()
    query.addEventListener('change', update)
    return () => query.removeEventListener('change', update)
  }, [])
  return isWide
}
