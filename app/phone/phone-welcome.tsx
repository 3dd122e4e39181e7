import type { ReactNode } from 'react'
import type { Catalogue } from '@/lib/i18n/catalogue'
import styles from './phone.module.css'

/** Nobody is signed in on this phone yet; `children` is the form. */
export function PhoneWelcome({ text, children }: { text: Catalogue['phone']; children: ReactNode }) {
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
