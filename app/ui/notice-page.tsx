import type { ReactNode } from 'react'
import { Mark } from './mark'
import styles from './notice-page.module.css'

/** A page with one message. */
export function NoticePage({ header, title, children }: { header?: ReactNode; title: string; children?: ReactNode }) {
  return (
    <div className={styles.page}>
      <div>{header}</div>
      <main className={styles.main}>
        <Mark size={64} />
        <h1>{title}</h1>
        {children}
      </main>
    </div>
  )
}
