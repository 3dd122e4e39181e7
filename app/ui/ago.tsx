'use client'

import { useSyncExternalStore } from 'react'
import type { Locale } from '@/lib/i18n/catalogue'
import { format, formatAgo } from '@/lib/i18n/format'

const TICK_MS = 10_000

/** `{relative}` in `text`, counted from `since` (ISO 8601) and kept up to date. The server does not know the reader's now. */
export function Ago({ since, text = '{relative}', locale }: { since: string; text?: string; locale: Locale }) {
  const agoMs = useSyncExternalStore(
    tick,
    () => roundedAgo(since),
    () => 0,
  )
  return (
    <time dateTime={since} suppressHydrationWarning>
      {format(text, { relative: formatAgo(agoMs, locale) })}
    </time>
  )
}

function tick(onTick: () => void): () => void {
  const timer = setInterval(onTick, TICK_MS)
  return () => clearInterval(timer)
}

function roundedAgo(since: string): number {
  const agoMs = Math.max(0, Date.now() - Date.parse(since))
  return agoMs - (agoMs % TICK_MS)
}
