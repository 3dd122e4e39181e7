'use client'

import { useCallback } from 'react'
import { call } from '@/lib/client/api'
import type { PhoneView } from '@/lib/core/session/session'
import { useReloaded } from './use-reloaded'

interface Phones {
  /** Null until they are known. */
  phones: PhoneView[] | null
  signOut: (id: string) => Promise<void>
  signOutOthers: () => Promise<void>
}

/** The person's phones, loaded again when the page becomes visible. `before`: null if unknown. */
export function usePhones(before: PhoneView[] | null): Phones {
  const { value, load } = useReloaded<{ phones: PhoneView[] }>('/api/phones', before && { phones: before })

  const signOut = useCallback(
    async (id: string) => {
      await call('DELETE', `/api/phones/${id}`)
      await load()
    },
    [load],
  )
  const signOutOthers = useCallback(async () => {
    await call('DELETE', '/api/phones')
    await load()
  }, [load])
  return { phones: value?.phones ?? null, signOut, signOutOthers }
}
