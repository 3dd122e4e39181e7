'use client'

import { useEffect, useRef } from 'react'
import type { ShownTime } from '@/lib/client/sign-in-screen'
import styles from './login.module.css'

/** A square with round corners, clockwise from the middle of its upper side. */
const PATH = 'M198 15h85a98 98 0 0 1 98 98v170a98 98 0 0 1-98 98h-170a98 98 0 0 1-98-98v-170a98 98 0 0 1 98-98z'

/** The ring is painted anew with every step: as many as an eye needs, not as many as a screen can. */
const STEP_MS = 100
const STEPS_MOST = 360

/** Drains while `time` runs out: once per code period, and refills with the next code. Decoration. */
export function Ring({ time, isFull }: { time: ShownTime | null; isFull: boolean }) {
  const ref = useRef<SVGPathElement>(null)
  useEffect(() => {
    const ring = ref.current
    if (ring === null || time === null) return
    const leftMs = Math.max(0, time.endsAt - performance.now())
    const from = 1 - leftMs / time.periodMs
    const drain = ring.animate([{ strokeDashoffset: from }, { strokeDashoffset: 1 }], {
      duration: leftMs,
      easing: `steps(${Math.max(1, Math.min(STEPS_MOST, Math.round(leftMs / STEP_MS)))})`,
      fill: 'forwards',
    })
    return () => drain.cancel()
  }, [time])
  return (
    <svg
      className={styles.ring}
      viewBox="0 0 396 396"
      aria-hidden="true"
      data-full={isFull}
      data-running={time !== null}
    >
      <path className={styles.ringTrack} d={PATH} />
      <path ref={ref} className={styles.ringTime} d={PATH} pathLength="1" />
    </svg>
  )
}
