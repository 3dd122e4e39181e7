'use client'

import { useCallback, useEffect, useRef, useState } from 'react'
import type { AgreedApp } from '@/lib/apps/apps'
import { call } from '@/lib/client/api'
import { watchPage } from '@/lib/client/watch-page'

export interface Apps {
  /** Null until they are known. */
  apps: AgreedApp[] | null
  /** A removal has not been answered yet. */
  isBusy: boolean
  /** Whether the last removal failed. */
  hasFailed: boolean
  remove: (clientId: string) => Promise<void>
}

/**
 * The apps that the person has agreed to, loaded again when the page becomes visible. `before`:
 * null if unknown. `isOn`: whether the server has apps.
 */
export function useApps(before: AgreedApp[] | null, isOn: boolean): Apps {
  const [apps, setApps] = useState(before)
  const [isBusy, setBusy] = useState(false)
  const [hasFailed, setFailed] = useState(false)
  /** Number of the latest request: an older answer that arrives later is ignored. */
  const round = useRef(0)

  const load = useCallback(async () => {
    round.current += 1
    const own = round.current
    const answer = await call<{ apps: AgreedApp[] }>('GET', '/api/apps')
    if (answer.ok && own === round.current) setApps(answer.value.apps)
  }, [])

  useEffect(() => {
    if (!isOn) return
    const reload = () => void load()
    if (before === null) reload()
    const unwatch = watchPage({ onVisible: reload, onOnline: reload, onRestored: reload })
    return () => {
      round.current += 1
      unwatch()
    }
  }, [load, before, isOn])

  async function remove(clientId: string) {
    setBusy(true)
    setFailed(false)
    const answer = await call('DELETE', `/api/apps/${encodeURIComponent(clientId)}`)
    // `not_found`: it was removed on another phone.
    setFailed(!answer.ok && answer.code !== 'not_found')
    await load()
    setBusy(false)
  }
  return { apps, isBusy, hasFailed, remove }
}
