'use client'

import { useText } from '../ui/page-text'
import { AppList } from './app-list'
import styles from './phone.module.css'
import type { Apps } from './use-apps'

/** The apps that the person has agreed to. */
export function AppSection({ apps, isBusy, hasFailed, remove }: Apps) {
  const text = useText('apps')
  return (
    <section className={styles.section}>
      <h2>{text.title}</h2>
      {apps === null ? null : <AppList apps={apps} isBusy={isBusy} onRemove={(id) => void remove(id)} />}
      <p role="alert" className={styles.problem}>
        {hasFailed ? text.removeFailed : ''}
      </p>
    </section>
  )
}
