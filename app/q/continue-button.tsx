'use client'

import { useEffect, useRef, useState } from 'react'

/**
 * A click that was meant for something else must not go on: one for the page before this one, and the second half of a
 * double click that a window in front took the first half of before it closed.
 */
const GUARD_MS = 700

/** Disabled for a moment after it appears; deaf for a moment after the window gets the focus. */
export function ContinueButton({ label, onContinue }: { label: string; onContinue: () => void }) {
  const [isArmed, setArmed] = useState(false)
  const deafUntil = useRef(0)
  useEffect(() => {
    const timer = setTimeout(() => setArmed(true), GUARD_MS)
    const onFocus = () => {
      deafUntil.current = performance.now() + GUARD_MS
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
      onClick={() => performance.now() >= deafUntil.current && onContinue()}
    >
      {label}
    </button>
  )
}
