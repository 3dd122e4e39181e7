'use client'

import { useEffect, useSyncExternalStore } from 'react'
import { getLastPerson, rememberPerson, subscribeToLastPerson } from '@/lib/client/last-person'
import type { ShownPerson } from '@/lib/core/account/person'

/**
 * The person who was signed in on this phone last; null on the server. `signedIn`: is remembered
 * from now on.
 */
export function useLastPerson(signedIn: ShownPerson | null): ShownPerson | null {
  useEffect(() => {
    if (signedIn !== null) rememberPerson(signedIn)
  }, [signedIn])
  return useSyncExternalStore(subscribeToLastPerson, getLastPerson, () => null)
}
