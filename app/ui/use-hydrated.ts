'use client'

import { useSyncExternalStore } from 'react'

const never = () => () => {}

/**
 * False until the page's script has taken over what the server sent. A button that would do nothing before then is
 * disabled, so that no tap is lost and no form is sent by the browser itself.
 */
export function useHydrated(): boolean {
  return useSyncExternalStore(
    never,
    () => true,
    () => false,
  )
}
