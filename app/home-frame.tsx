import type { ReactNode } from 'react'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import styles from './home.module.css'
import { Avatar } from './ui/avatar'
import { Header } from './ui/header'

interface Props {
  locale: Locale
  text: Catalogue
  person: { name: string; avatarUrl: string | null }
  children: ReactNode
}

/** What stays the same around the home page. */
export function HomeFrame({ locale, text, person, children }: Props) {
  return (
    <div className={styles.page}>
      <Header locale={locale} text={text}>
        <Avatar person={person} size={44} travels />
      </Header>
      {children}
    </div>
  )
}
