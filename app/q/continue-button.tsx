'use client'

import { useEffect, useRef, useState } from 'react'

/**
 * A click that was meant for something else must not continue: a click for the previous page, or
 * the second half of a double click whose first half closed a window in front.
 */
const GUARD_MS = 700

/** Ignores clicks for a moment after it appears and after the window gets the focus. */
export function ContinueButton({ label, onContinue }: { label: string; onContinue: () => void }) {
  const [isArmed, setArmed] = useState(false)
  const ignoreUntil = useRef(0)
  useEffect(() => {
    const timer = setTimeout(() => setArmed(true), GUARD_MS)
    const onFocus = () => {
      ignoreUntil.current = performance.now() + GUARD_MS
    }
    window.addEventListener('focus', onFocus)
    return () => {
      clearTimeout(timer)
      window.removeEventListener('focus', onFocus)
    }
  }, [])
  return (
    <button
      type="button"
      className="button primary"
      data-testid="continue"
      disabled={!isArmed}
      data-waiting={!isArmed}
      onClick={() => performance.now() >= ignoreUntil.current && onContinue()}
    >
      {label}
    </button>
  )
}
