'use client'

import { useCallback, useEffect, useRef, useState } from 'react'
import { call } from '@/lib/client/api'
import { watchPage } from '@/lib/client/watch-page'

interface Reloaded<T> {
  /** Null until it is known. */
  value: T | null
  load: () => Promise<void>
}

/**
 * What the server has at `path`, loaded again when the page becomes visible. `before`: null if
 * unknown. `isOn`: false if the server has nothing there.
 */
export function useReloaded<T>(path: string, before: T | null, isOn = true): Reloaded<T> {
  const [value, setValue] = useState(before)
  /** Number of the latest request: an older answer that arrives later is ignored. */
  const round = useRef(0)

  const load = useCallback(async () => {
    round.current += 1
    const own = round.current
    const answer = await call<T>('GET', path)
    if (answer.ok && own === round.current) setValue(answer.value)
  }, [path])

  const isKnown = before !== null
  useEffect(() => {
    if (!isOn) return
    const reload = () => void load()
    if (!isKnown) reload()
    const unwatch = watchPage({ onVisible: reload, onOnline: reload, onRestored: reload })
    return () => {
      round.current += 1
      unwatch()
    }
  }, [load, isKnown, isOn])
  return { value, load }
}
