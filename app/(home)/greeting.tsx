'use client'

import { useSyncExternalStore } from 'react'
import { format } from '@/lib/i18n/format'
import { useText } from '../ui/page-text'
import styles from './home.module.css'

/** By the reader's time of day, which the server does not know. */
export function Greeting({ name }: { name: string }) {
  const text = useText('home')
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
