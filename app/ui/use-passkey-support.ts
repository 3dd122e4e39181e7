'use client'

import { useEffect, useSyncExternalStore } from 'react'
import { canUsePasskeys, preloadPasskeys } from '@/lib/client/passkey-browser'

const never = () => () => {}

/**
 * Whether a button for passkeys is shown: they are wanted, and this browser can use them. Loads the
 * library for it. `onServer`: what the document shows before the page's script runs.
 */
export function usePasskeySupport(isWanted: boolean, onServer: boolean): boolean {
  const canUse = useSyncExternalStore(never, canUsePasskeys, () => onServer)
  const isShown = isWanted && canUse
  useEffect(() => {
    if (isShown) preloadPasskeys()
  }, [isShown])
  return isShown
}
