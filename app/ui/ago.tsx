'use client'

import { useSyncExternalStore } from 'react'
import { format } from '@/lib/i18n/format'
import { formatAgo } from '@/lib/i18n/format-ago'
import { useLocale } from './page-text'

const TICK_MS = 10_000

interface Props {
  /** ISO 8601. */
  since: string
  /** Contains `{relative}`. */
  text?: string
}

/** A relative time that stays up to date. The server does not know the reader's clock. */
export function Ago({ since, text = '{relative}' }: Props) {
  const locale = useLocale()
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
