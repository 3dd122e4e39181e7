import type { ReactNode } from 'react'
import { useText } from '../ui/page-text'
import styles from './phone.module.css'

/** For a phone that is not signed in; `children` is the form. */
export function PhoneWelcome({ children }: { children: ReactNode }) {
  const text = useText('phone')
  return (
    <main className={styles.main}>
      <div className={styles.intro}>
        <h1>{text.welcome}</h1>
        <p className="quiet">{text.welcomeHint}</p>
      </div>
      {children}
    </main>
  )
}
