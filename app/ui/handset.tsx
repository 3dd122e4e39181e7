import type { ReactNode } from 'react'
import styles from './handset.module.css'

/** A phone's screen: fills a narrow window; in a wide one a bezel with `beside` to its left. */
export function Handset({ beside, children }: { beside?: ReactNode; children: ReactNode }) {
  return (
    <div className={styles.room}>
      <div className={styles.stage}>
        {beside === undefined ? null : <aside className={styles.beside}>{beside}</aside>}
        <div className={styles.screen}>{children}</div>
      </div>
    </div>
  )
}
