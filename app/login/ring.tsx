'use client'

import { useEffect, useRef } from 'react'
import type { ShownTime } from '@/lib/client/sign-in-screen'
import styles from './ring.module.css'

/** A square with round corners, clockwise from the middle of its upper side. */
const PATH = 'M198 15h85a98 98 0 0 1 98 98v170a98 98 0 0 1-98 98h-170a98 98 0 0 1-98-98v-170a98 98 0 0 1 98-98z'

/** Steps of the animation. Each one repaints the ring, so there are fewer of them than frames. */
const STEP_MS = 100
const STEPS_MOST = 360

/** Drains while `time` runs out, and refills with the next code. Decoration. */
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
      <path className={styles.track} d={PATH} />
      <path ref={ref} className={styles.time} d={PATH} pathLength="1" />
    </svg>
  )
}
