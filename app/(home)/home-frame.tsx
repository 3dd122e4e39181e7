import type { ReactNode } from 'react'
import type { Catalogue, Locale } from '@/lib/i18n/catalogue'
import { Avatar } from '../ui/avatar'
import { Header } from '../ui/header'
import { PageText } from '../ui/page-text'
import styles from './home.module.css'

interface Props {
  locale: Locale
  text: Catalogue
  person: { name: string; avatarUrl: string | null }
  children: ReactNode
}

/** The part of the home page that is the same in every state. */
export function HomeFrame({ locale, text, person, children }: Props) {
  const { home, devices } = text
  return (
    <div className={styles.page}>
      <Header locale={locale} text={text}>
        <Avatar person={person} size={44} travels />
      </Header>
      <PageText locale={locale} text={{ home, devices }}>
        {children}
      </PageText>
    </div>
  )
}
