'use client'

import { useSyncExternalStore } from 'react'

const never = () => () => {}

/**
 * False until the page's script has hydrated the document. A control that would do nothing before
 * then is disabled, so that no tap is lost and the browser submits no form itself.
 */
export function useHydrated(): boolean {
  return useSyncExternalStore(
    never,
    () => true,
    () => false,
  )
}
