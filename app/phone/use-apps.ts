'use client'

import { useState } from 'react'
import type { AgreedApp } from '@/lib/apps/apps'
import { call } from '@/lib/client/api'
import { useReloaded } from './use-reloaded'

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
  const { value, load } = useReloaded<{ apps: AgreedApp[] }>('/api/apps', before && { apps: before }, isOn)
  const [isBusy, setBusy] = useState(false)
  const [hasFailed, setFailed] = useState(false)

  async function remove(clientId: string) {
    setBusy(true)
    setFailed(false)
    const answer = await call('DELETE', `/api/apps/${encodeURIComponent(clientId)}`)
    // `not_found`: it was removed on another phone.
    setFailed(!answer.ok && answer.code !== 'not_found')
    await load()
    setBusy(false)
  }
  return { apps: value?.apps ?? null, isBusy, hasFailed, remove }
}
