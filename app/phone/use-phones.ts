'use client'

import { useCallback, useEffect, useRef, useState } from 'react'
import { call } from '@/lib/client/api'
import { watchPage } from '@/lib/client/watch-page'
import type { PhoneView } from '@/lib/core/session/session'

interface Phones {
  /** Null until they are known. */
  phones: PhoneView[] | null
  signOut: (id: string) => Promise<void>
  signOutOthers: () => Promise<void>
}

/** The person's phones, loaded again when the page becomes visible. `before`: null if unknown. */
export function usePhones(before: PhoneView[] | null): Phones {
  const [phones, setPhones] = useState(before)
  /** Number of the latest request: an older answer that arrives later is ignored. */
  const round = useRef(0)

  const load = useCallback(async () => {
    round.current += 1
    const own = round.current
    const answer = await call<{ phones: PhoneView[] }>('GET', '/api/phones')
    if (answer.ok && own === round.current) setPhones(answer.value.phones)
  }, [])

  useEffect(() => {
    const reload = () => void load()
    if (before === null) reload()
    const unwatch = watchPage({ onVisible: reload, onOnline: reload, onRestored: reload })
    return () => {
      round.current += 1
      unwatch()
    }
  }, [load, before])

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
  return { phones, signOut, signOutOthers }
}
