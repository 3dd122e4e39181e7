'use client'

import { useSyncExternalStore } from 'react'
import { format, formatCountdown } from '@/lib/i18n/format'

/** `{time}` in `text`, as m:ss until `endsAt` (monotonic clock). */
export function Countdown({ text, endsAt }: { text: string; endsAt: number }) {
  const time = useSyncExternalStore(
    tick,
    () => formatCountdown(endsAt - performance.now()),
    () => '',
  )
  return format(text, { time })
}

function tick(onTick: () => void): () => void {
  const timer = setInterval(onTick, 250)
  return () => clearInterval(timer)
}
