import type { ReactNode } from 'react'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import styles from './header.module.css'
import { LanguageSwitch } from './language-switch'
import { Mark } from './mark'

/** Mark and brand left; language switch and `children` right. */
export function Header({ locale, text, children }: { locale: Locale; text: Catalogue; children?: ReactNode }) {
  return (
    <header className={styles.header}>
      <span className={styles.brand}>
        <Mark />
        {text.common.brand}
      </span>
      <span className={styles.side}>
        {children}
        <LanguageSwitch locale={locale} label={text.common.otherLanguage} />
      </span>
    </header>
  )
}
