'use client'

import type { ReactNode } from 'react'
import { useHydrated } from './use-hydrated'

interface Props {
  label: ReactNode
  onClick: () => void
  kind?: 'plain' | 'primary' | 'danger' | 'link'
  /** In addition to the time before the page's script runs. */
  isDisabled?: boolean
  testId?: string
}

const CLASSES = { plain: 'button', primary: 'button primary', danger: 'button danger', link: 'link' }

/** A button that is disabled until the page's script runs. */
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
