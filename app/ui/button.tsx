'use client'

import type { ReactNode } from 'react'
import { useHydrated } from './use-hydrated'

interface Props {
  label: ReactNode
  onClick: () => void
  kind?: 'plain' | 'primary' | 'danger' | 'link'
  /** Besides the time before the page's script runs. */
  isDisabled?: boolean
  testId?: string
}

const CLASSES = { plain: 'button', primary: 'button primary', danger: 'button danger', link: 'link' }

/** A button that works from the moment it can be pressed: until the page's script runs it is disabled. */
export function Button({ label, onClick, kind = 'plain', isDisabled = false, testId }: Props) {
  const isHydrated = useHydrated()
  return (
    <button
      type="button"
      className={CLASSES[kind]}
      data-testid={testId}
      disabled={isDisabled || !isHydrated}
      data-waiting={!isHydrated}
      onClick={onClick}
    >
      {label}
    </button>
  )
}
