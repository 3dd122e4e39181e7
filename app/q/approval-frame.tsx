import type { ReactNode } from 'react'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { Header } from '../ui/header'
import styles from './approval.module.css'

/** What stays the same around the question. */
export function ApprovalFrame({ locale, text, children }: { locale: Locale; text: Catalogue; children: ReactNode }) {
  return (
    <div className={styles.page}>
      <Header locale={locale} text={text} />
      {children}
    </div>
  )
}
