'use client'

import { useLayoutEffect, useState } from 'react'

/** Below this a window is taken for a phone's. The same as in `login.module.css`. */
const WIDE = '(min-width: 640px)'

/** Whether the window is, or has been, wider than a phone: whoever zooms in keeps what is on the screen. */
export function useWideOnce(): boolean {
  const [isWide, setWide] = useState(false)
  // Before the first paint, so that the code has not to wait for it.
  useLayoutEffect(() => {
    const query = matchMedia(WIDE)
    const update = () => query.matches && setWide(true)
    update()
    query.addEventListener('change', update)
    return () => query.removeEventListener('change', update)
  }, [])
  return isWide
}
