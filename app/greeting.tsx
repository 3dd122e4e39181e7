'use client'

import { useSyncExternalStore } from 'react'
import type { Catalogue } from '@/lib/i18n/catalogue'
import { format } from '@/lib/i18n/format'
import styles from './home.module.css'

/** The reader's own time of day decides, which the server does not know. */
export function Greeting({ text, name }: { text: Catalogue['home']; name: string }) {
  const hour = useSyncExternalStore(
    () => () => {},
    () => new Date().getHours(),
    () => null,
  )
  const greeting =
    hour !== null && hour < 12 ? text.morning : hour !== null && hour < 18 ? text.afternoon : text.evening
  return (
    <h1 data-testid="home-greeting" className={hour === null ? styles.unknownHour : ''}>
      {format(greeting, { name })}
    </h1>
  )
}
