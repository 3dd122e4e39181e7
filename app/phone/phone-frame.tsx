import type { ReactNode } from 'react'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { Header } from '../ui/header'
import styles from './phone.module.css'

/** What stays the same around the app's home. */
export function PhoneFrame({ locale, text, children }: { locale: Locale; text: Catalogue; children: ReactNode }) {
  return (
    <div className={styles.page}>
      <Header locale={locale} text={text} />
      {children}
    </div>
  )
}
