'use client'

import { useEffect, useRef } from 'react'
import type { ShownCode } from '@/lib/client/sign-in-screen'
import styles from './login.module.css'

/** Drains once per code period, refills with the next code; grey while nothing counts. Decoration. */
export function Ring({ code, isFull }: { code: ShownCode | null; isFull: boolean }) {
  const ref = useRef<SVGRectElement>(null)
  useEffect(() => {
    const ring = ref.current
    if (ring === null || code === null) return
    const leftMs = Math.max(0, code.endsAt - performance.now())
    const from = 1 - leftMs / code.periodMs
    const drain = ring.animate([{ strokeDashoffset: from }, { strokeDashoffset: 1 }], {
      duration: leftMs,
      fill: 'forwards',
    })
    return () => drain.cancel()
  }, [code])
  return (
    <svg
      className={styles.ring}
      viewBox="0 0 396 396"
      aria-hidden="true"
      data-full={isFull}
      data-running={code !== null}
    >
      <rect className={styles.ringTrack} x="15" y="15" width="366" height="366" rx="98" />
      <rect ref={ref} className={styles.ringTime} x="15" y="15" width="366" height="366" rx="98" pathLength="1" />
    </svg>
  )
}
